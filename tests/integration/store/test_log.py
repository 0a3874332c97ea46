"""The log of a conversation, read back: messages, removals and trims, each at its own seq, from either end."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, conversations, log, pool, tombstones, trims
from nura_rt.store.log import Entry
from nura_rt.store.pool import as_person
from rows import make_conversation, make_person, turn


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=2)
    yield opened
    opened.terminate()


@pytest.fixture
async def place(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, database: Database
) -> tuple[str, str]:
    """A conversation: 1 to 3 trimmed by 8, 5 removed by 7, 4 and 6 and 9 still there."""
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    rows = [turn(person, conversation, content=f"words {n}") for n in range(1, 7)]
    await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=30)
    doors = await pool.open_pool(database.url, "nura_door", smallest=1, largest=1)
    try:
        async with as_person(doors, person) as conn:
            await tombstones.remove(
                conn, person_id=person, conversation_id=conversation, message_id=rows[4].message_id
            )
            await trims.trim(conn, person_id=person, conversation_id=conversation, before_seq=4)
    finally:
        doors.terminate()
    await batch.keep(writer_conn, [turn(person, conversation, content="words 9")], levels=LEVELS, lease_s=30)
    return person, conversation


def short(entries: list[Entry]) -> list[tuple[int, object]]:
    return [
        (entry.seq, entry.message.content if entry.message else (entry.removed_seq, entry.before_seq))
        for entry in entries
    ]


WHOLE = [(4, "words 4"), (6, "words 6"), (7, (5, None)), (8, (None, 4)), (9, "words 9")]


@pytest.mark.parametrize(
    ("after", "limit", "found"),
    [(0, 10, WHOLE), (4, 10, WHOLE[1:]), (6, 2, WHOLE[2:4]), (0, 1, WHOLE[:1]), (9, 10, [])],
)
async def test_the_log_is_read_upwards(
    people: asyncpg.Pool, place: tuple[str, str], after: int, limit: int, found: list[object]
) -> None:
    assert short(await log.after(people, *place, after, limit=limit)) == found


@pytest.mark.parametrize(
    ("after", "limit", "bytes_at_most", "found"),
    [
        (0, 10, 1000, WHOLE),
        (7, 10, 1000, WHOLE[3:]),
        (0, 2, 1000, WHOLE[3:]),
        (0, 10, 15, WHOLE[1:]),  # 7 bytes each; what has no content weighs nothing
        (0, 10, 13, WHOLE[2:]),
        (0, 10, 0, WHOLE[-1:]),  # at least one, however large
        (9, 10, 1000, []),
    ],
)
async def test_the_newest_end_of_the_log_is_read_up_to_a_size(
    people: asyncpg.Pool, place: tuple[str, str], after: int, limit: int, bytes_at_most: int, found: list[object]
) -> None:  # fmt: skip
    entries = await log.tail(people, *place, after, limit=limit, bytes_at_most=bytes_at_most)

    assert short(entries) == found


async def test_the_size_is_in_bytes_of_utf8(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    rows = [turn(person, conversation, content="ä" * 10) for _ in range(3)]
    await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=30)

    entries = await log.tail(people, person, conversation, 0, limit=10, bytes_at_most=40)

    assert [entry.seq for entry in entries] == [2, 3]


async def test_nobody_reads_another_persons_log(
    root: asyncpg.Connection, people: asyncpg.Pool, place: tuple[str, str]
) -> None:
    other = await make_person(root)

    seen = [
        await log.after(people, other, place[1], 0, limit=10),
        await log.tail(people, other, place[1], 0, limit=10, bytes_at_most=1000),
    ]

    assert seen == [[], []]


async def test_the_conversation_tells_where_its_history_begins(
    people: asyncpg.Pool, place: tuple[str, str]
) -> None:
    seen = await conversations.seen_by(people, *place)
    listed = await conversations.list_of(people, place[0], limit=10)

    assert seen is not None
    assert (seen.tail_seq, seen.last_seq, seen.message_count) == (4, 9, 3)
    assert [row.tail_seq for row in listed.conversations] == [4]


@pytest.mark.parametrize("column", ["last_seq", "tail_seq"])
async def test_a_seq_never_falls_whoever_writes_it(
    root: asyncpg.Connection, place: tuple[str, str], column: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await root.execute(f"UPDATE conversations SET {column} = {column} - 1 WHERE id = $1", place[1])
