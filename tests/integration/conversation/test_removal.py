"""Messages that go: each removal takes a seq of its own, whoever removes what at the same moment."""

import asyncio
import random
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from nura_rt.conversation.create import Written
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.threads import NotThere
from nura_rt.conversation.writer import Kept, Writer
from nura_rt.pipeline.turn import LEVELS
from nura_rt.realtime import channels
from nura_rt.store import batch, reply_runs
from nura_rt.store.batch import Row
from nura_rt.store.tombstones import Removed
from relayed import Relayed
from rows import make_person, one, turn

Place = Callable[..., Row]


async def keep(conn: asyncpg.Connection, *rows: Row) -> None:
    await batch.keep(conn, rows, levels=LEVELS, lease_s=3600)


def where(row: Row) -> tuple[str, str, str]:
    return row.person_id, row.conversation_id, row.message_id


async def test_a_removal_deletes_the_words_and_takes_a_seq(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, removal: Removal
) -> None:
    rows = [place(), place(level="high", indicators={"level": "high"}), place()]
    await keep(writer_conn, *rows)

    removed = await removal.remove(*where(rows[1]))

    assert removed == Removed(seq=4, removed_seq=2)
    left = await root.fetch("SELECT seq FROM messages WHERE user_id = $1 ORDER BY seq", rows[0].person_id)
    assert [row["seq"] for row in left] == [1, 3]
    assert await one(
        root,
        "SELECT last_seq, message_count, crisis_level FROM conversations WHERE user_id = $1",
        rows[0].person_id,
    ) == (4, 2, "high")
    # what worried us stays, without words and without what it names
    assert await one(
        root, "SELECT level, message_id FROM nura.crisis_events WHERE user_id = $1", rows[0].person_id
    ) == ("high", None)


async def test_everybody_hears_of_a_removal(
    writer_conn: asyncpg.Connection, place: Place, removal: Removal, relayed: Relayed
) -> None:
    row = place()
    await keep(writer_conn, row)

    await removal.remove(*where(row))

    room, own = channels.conversation(row.conversation_id), channels.user(row.person_id)
    frame = {
        "type": "message.removed",
        "conversation_id": row.conversation_id,
        "seq": 2,
        "removed_seq": 1,
    }
    assert [(channel, seq) for channel, seq, _ in relayed.said] == [(room, 2), (own, None)]
    assert relayed.of_type("message.removed") == [frame]
    (changed,) = relayed.of_type("conversation.changed")
    assert (changed["conversation"]["head"], changed["conversation"]["message_count"]) == (2, 0)


async def test_a_removal_repeated_is_answered_the_same_and_announced(
    writer_conn: asyncpg.Connection, place: Place, removal: Removal, relayed: Relayed
) -> None:
    row = place()
    await keep(writer_conn, row)
    first = await removal.remove(*where(row))
    relayed.said.clear()

    again = await removal.remove(*where(row))

    assert again == first
    assert relayed.said == [(channels.conversation(row.conversation_id), first.seq, None)]


async def test_what_is_not_the_persons_is_not_there(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, removal: Removal
) -> None:
    row, elsewhere = place(), turn(await make_person(root), "missing")
    await keep(writer_conn, row)

    for attempt in (
        (elsewhere.person_id, row.conversation_id, row.message_id),
        (row.person_id, "missing", row.message_id),
        (row.person_id, row.conversation_id, "missing"),
    ):
        with pytest.raises(NotThere):
            await removal.remove(*attempt)

    assert await one(root, "SELECT seq FROM messages WHERE id = $1", row.message_id) == (1,)


async def test_a_retry_of_a_removed_message_by_the_same_instance_is_a_repeat(
    root: asyncpg.Connection, writer: Writer, place: Place, removal: Removal
) -> None:
    """Its outcome was unknown, so the very same row is tried again, and somebody had removed it meanwhile."""
    row = place()
    first = await writer.keep(row)
    await removal.remove(*where(row))

    again = await writer.keep(row)

    assert isinstance(first, Kept)
    assert again == msgspec.structs.replace(first, duplicate=True)
    assert await root.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", row.person_id) == 0


async def test_two_instances_that_remove_the_same_message_at_once_take_one_seq(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, door: asyncpg.Pool,
    people: asyncpg.Pool,
) -> None:  # fmt: skip
    instances = [Relayed() for _ in range(4)]
    rows = [place() for _ in range(20)]
    await keep(writer_conn, *rows)

    for row in rows:
        answers = await asyncio.gather(
            *(Removal(Written(door, people, instance.hub)).remove(*where(row)) for instance in instances)
        )

        assert len(set(answers)) == 1

    assert sum(len(instance.of_type("message.removed")) for instance in instances) == len(rows)
    assert await one(
        root, "SELECT last_seq, message_count FROM conversations WHERE id = $1", rows[0].conversation_id
    ) == (40, 0)


async def test_a_trim_takes_one_seq_for_all(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, removal: Removal, relayed: Relayed
) -> None:  # fmt: skip
    rows = [place() for _ in range(5)]
    await keep(writer_conn, *rows)

    trimmed = await removal.trim(rows[0].person_id, rows[0].conversation_id, 4)
    nothing_more = await removal.trim(rows[0].person_id, rows[0].conversation_id, 4)

    assert trimmed is not None
    assert (trimmed.seq, trimmed.before_seq, nothing_more) == (6, 4, None)
    assert await one(
        root,
        "SELECT last_seq, tail_seq, message_count FROM conversations WHERE id = $1",
        rows[0].conversation_id,
    ) == (6, 4, 2)
    room, own = channels.conversation(rows[0].conversation_id), channels.user(rows[0].person_id)
    assert [(channel, seq) for channel, seq, _ in relayed.said] == [(room, 6), (own, None), (own, None)]
    assert {frame["before_seq"] for frame in relayed.of_type("history.trimmed")} == {4}
    assert await removal.remove(*where(rows[0])) == Removed(seq=6, removed_seq=1)


async def test_a_trim_goes_no_further_than_there_are_messages(
    writer_conn: asyncpg.Connection, place: Place, removal: Removal
) -> None:
    rows = [place(), place()]
    await keep(writer_conn, *rows)

    trimmed = await removal.trim(rows[0].person_id, rows[0].conversation_id, 2**53)

    assert trimmed is not None
    assert (trimmed.seq, trimmed.before_seq) == (3, 3)


@pytest.mark.parametrize("begun", [True, False])
async def test_a_message_may_go_while_its_reply_is_written(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool, place: Place,
    removal: Removal, begun: bool,
) -> None:  # fmt: skip
    asked = place(reply_token=str(uuid.uuid4()))
    assert asked.reply_token is not None
    await keep(writer_conn, asked)
    run: dict[str, Any] = {
        "message_id": asked.message_id,
        "conversation_id": asked.conversation_id,
        "person_id": asked.person_id,
        "lease_token": asked.reply_token,
    }
    if begun:
        await reply_runs.start(work, **run)

    await removal.remove(*where(asked))

    if not begun:  # as the job function knows it
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await reply_runs.start(work, **run)
    answer = place(
        role="assistant",
        client_id=f"reply:{asked.message_id}",
        finishes=asked.message_id,
        fence=asked.reply_token,
    )
    await keep(writer_conn, answer)
    assert await one(root, "SELECT seq FROM messages WHERE conversation_id = $1", asked.conversation_id) == (
        3,
    )
    assert await one(root, "SELECT state FROM nura.jobs WHERE user_id = $1", asked.person_id) == ("done",)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_seqs_stay_dense_whatever_comes_and_goes_at_once(
    root: asyncpg.Connection, place: Place, removal: Removal, heads: asyncpg.Pool, seed: int
) -> None:
    chance = random.Random(seed)
    kept: list[Row] = []

    async def send(chance: random.Random) -> None:
        for _ in range(12):
            rows = [place() for _ in range(chance.randint(1, 4))]
            # a late retry now and then, of what may be gone by now
            retries = [place(client_id=row.client_id) for row in chance.sample(kept, min(len(kept), 2))]
            async with heads.acquire() as conn:
                found = await batch.keep(conn, [*rows, *retries], levels=LEVELS, lease_s=3600)  # type: ignore[arg-type]
            assert len(found) == len(rows) + len(retries)
            kept.extend(rows)

    async def take_away(chance: random.Random) -> None:
        for _ in range(15):
            await asyncio.sleep(0.005 * chance.random())
            if not kept:
                continue
            row = chance.choice(kept)
            if chance.random() < 0.8:
                await removal.remove(*where(row))
            else:
                await removal.trim(row.person_id, row.conversation_id, chance.randint(1, len(kept)))

    async with asyncio.TaskGroup() as group:
        for task in (send, send, take_away, take_away):
            group.create_task(task(random.Random(chance.random())))

    conversation_id = kept[0].conversation_id
    seqs = await root.fetch(
        """
        SELECT seq FROM messages WHERE conversation_id = $1
        UNION ALL SELECT removed_seq FROM nura.tombstones WHERE conversation_id = $1
        UNION ALL SELECT seq FROM nura.tombstones WHERE conversation_id = $1 AND NOT trimmed
        UNION ALL SELECT seq FROM nura.trims WHERE conversation_id = $1
        """,
        conversation_id,
    )
    last, count, tail = await one(
        root, "SELECT last_seq, message_count, tail_seq FROM conversations WHERE id = $1", conversation_id
    )
    assert sorted(row["seq"] for row in seqs) == list(range(1, last + 1))
    left, lowest = await one(
        root, "SELECT count(*), min(seq) FROM messages WHERE conversation_id = $1", conversation_id
    )
    assert left == count
    assert lowest is None or lowest >= tail
    clients = await one(
        root,
        """
        SELECT count(*), count(DISTINCT client_id)
          FROM (SELECT client_id FROM messages WHERE conversation_id = $1
                UNION ALL SELECT client_id FROM nura.tombstones WHERE conversation_id = $1) taken
        """,
        conversation_id,
    )
    assert clients == (len(kept), len(kept))
