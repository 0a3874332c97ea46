"""Read marks: they only grow, whatever order devices and instances write them in, and each growth is told."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation import reading
from nura_rt.conversation.reading import ReadMarks
from nura_rt.pipeline.turn import LEVELS
from nura_rt.realtime import channels
from nura_rt.store import batch, pool
from nura_rt.store.batch import Row
from nura_rt.telemetry import Counters
from proxy import Proxy, postgres_socket, postgres_through
from relayed import Relayed
from rows import make_person
from servers import eventually

Place = Callable[..., Row]
WAITING = "SELECT true FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
MARK = "SELECT seq FROM nura.read_marks WHERE conversation_id = $1"


@pytest.fixture
def marks(heads: asyncpg.Pool, relayed: Relayed) -> ReadMarks:
    return ReadMarks(heads, relayed.hub, Counters())


@pytest.fixture
async def ten(writer_conn: asyncpg.Connection, place: Place) -> Row:
    """One of ten messages of a conversation."""
    rows = [place() for _ in range(10)]
    await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=3600)
    return rows[0]


@asynccontextmanager
async def flushing(marks: ReadMarks) -> AsyncIterator[None]:
    task = asyncio.create_task(marks.flush_for_ever())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def told(relayed: Relayed) -> list[int]:
    return [frame["seq"] for frame in relayed.of_type("read")]


async def test_a_mark_grows_and_is_told_to_the_persons_devices(
    root: asyncpg.Connection, ten: Row, marks: ReadMarks, relayed: Relayed
) -> None:
    async with flushing(marks):
        marks.note(ten.person_id, ten.conversation_id, 4)
        await eventually(lambda: relayed.said)

    frame = {"type": "read", "conversation_id": ten.conversation_id, "seq": 4}
    assert relayed.said == [(channels.user(ten.person_id), None, frame)]
    assert await root.fetchval(MARK, ten.conversation_id) == 4


async def test_of_what_is_noted_before_a_write_the_highest_counts(
    ten: Row, marks: ReadMarks, relayed: Relayed
) -> None:
    for seq in (3, 7, 5):
        marks.note(ten.person_id, ten.conversation_id, seq)

    await marks.flush()

    assert told(relayed) == [7]


@pytest.mark.parametrize("seed", range(3))
async def test_two_devices_in_any_order_end_at_the_highest(
    root: asyncpg.Connection, heads: asyncpg.Pool, ten: Row, seed: int
) -> None:
    chance = random.Random(seed)
    instances = [Relayed(), Relayed()]
    seqs = [chance.randint(1, 9) for _ in range(10)] + [10]
    chance.shuffle(seqs)

    async def device(instance: Relayed, seqs: list[int]) -> None:
        marks = ReadMarks(heads, instance.hub, Counters())
        for seq in seqs:
            marks.note(ten.person_id, ten.conversation_id, seq)
            await marks.flush()

    await asyncio.gather(device(instances[0], seqs[::2]), device(instances[1], seqs[1::2]))

    assert await root.fetchval(MARK, ten.conversation_id) == 10
    both = [told(instance) for instance in instances]
    assert both == [sorted(set(one)) for one in both]  # each instance tells of growth alone
    assert max(max(one, default=0) for one in both) == 10


async def test_nobody_reads_further_than_there_is(
    root: asyncpg.Connection, ten: Row, marks: ReadMarks, relayed: Relayed
) -> None:
    marks.note(ten.person_id, ten.conversation_id, 2**53 - 1)

    await marks.flush()

    assert (await root.fetchval(MARK, ten.conversation_id), told(relayed)) == (10, [10])


async def test_marks_in_another_persons_or_a_missing_conversation_drop_out(
    root: asyncpg.Connection, ten: Row, marks: ReadMarks, relayed: Relayed
) -> None:
    stranger = await make_person(root)
    marks.note(stranger, ten.conversation_id, 9)
    marks.note(ten.person_id, "missing", 9)
    marks.note(ten.person_id, ten.conversation_id, 0)
    marks.note(stranger, "missing", 9)

    await marks.flush()

    assert relayed.said == []
    assert await root.fetchval("SELECT count(*) FROM nura.read_marks WHERE user_id = $1", stranger) == 0


async def test_many_marks_are_written_some_hundred_at_a_time(
    root: asyncpg.Connection, marks: ReadMarks, relayed: Relayed
) -> None:
    person = await make_person(root)
    rows = await root.fetch(
        "INSERT INTO conversations (user_id, last_seq) SELECT $1, 5 FROM generate_series(1, 1203) RETURNING id",
        person,
    )
    for row in rows:
        marks.note(person, row["id"], 5)

    await marks.flush()

    assert len(told(relayed)) == 1203
    assert await root.fetchval("SELECT count(*) FROM nura.read_marks WHERE user_id = $1", person) == 1203


async def test_what_cannot_be_written_is_kept_and_written_later(
    database: Database, root: asyncpg.Connection, ten: Row, relayed: Relayed
) -> None:
    counters = Counters()
    async with Proxy(postgres_socket(database.url)) as wire:
        far = await pool.open_pool(
            postgres_through(database.url, wire.port), "nura_writer", smallest=1, largest=1
        )
        marks = ReadMarks(far, relayed.hub, counters)
        try:
            wire.cut()
            async with flushing(marks):
                marks.note(ten.person_id, ten.conversation_id, 8)
                await eventually(lambda: counters.snapshot().get("read_marks_failed"))
                marks.note(ten.person_id, ten.conversation_id, 6)
                wire.heal()
                await eventually(lambda: relayed.said)
        finally:
            far.terminate()

    assert told(relayed) == [8]
    assert await root.fetchval(MARK, ten.conversation_id) == 8


async def test_a_conversation_that_is_being_deleted_takes_only_its_own_mark_along(
    database: Database, root: asyncpg.Connection, place: Place, ten: Row, marks: ReadMarks, relayed: Relayed
) -> None:
    going = await root.fetchval(
        "INSERT INTO conversations (user_id, last_seq) VALUES ($1, 5) RETURNING id", ten.person_id
    )
    deleter = await asyncpg.connect(database.admin_url)
    try:
        deleting = deleter.transaction()
        await deleting.start()
        await deleter.execute("DELETE FROM conversations WHERE id = $1", going)
        async with flushing(marks):
            marks.note(ten.person_id, going, 5)
            marks.note(ten.person_id, ten.conversation_id, 5)
            while not await root.fetchval(WAITING):  # noqa: ASYNC110 - only the database knows
                await asyncio.sleep(0.01)
            await deleting.commit()
            await eventually(lambda: relayed.said)
    finally:
        await deleter.close()

    assert [frame["conversation_id"] for frame in relayed.of_type("read")] == [ten.conversation_id]


async def test_beyond_the_bound_known_conversations_go_on_and_new_ones_wait_for_their_next_read(
    ten: Row, marks: ReadMarks, relayed: Relayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_KEPT_AT_MOST", 1)
    marks.note(ten.person_id, ten.conversation_id, 1)
    marks.note(ten.person_id, "another", 1)
    marks.note(ten.person_id, ten.conversation_id, 2)

    await marks.flush()

    assert told(relayed) == [2]


async def test_the_last_marks_are_written_at_the_end(
    root: asyncpg.Connection, ten: Row, marks: ReadMarks
) -> None:
    marks.note(ten.person_id, ten.conversation_id, 3)

    await marks.flush_at_the_end()

    assert await root.fetchval(MARK, ten.conversation_id) == 3
