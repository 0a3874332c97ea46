"""Reads on a real standby: only when it has all that was committed before, and never to a reader's harm."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from nura_rt.embedded import postgres
from nura_rt.embedded.stack import Addresses
from nura_rt.store import messages, pool
from nura_rt.store.replica import Reads
from nura_rt.telemetry import Counters
from replica_server import Standby
from rows import make_conversation, make_person

pytestmark = pytest.mark.slow


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Replicated:
    """A primary, its standby, and the reads between them."""

    def __init__(self, primary: asyncpg.Pool, replica: asyncpg.Pool) -> None:
        self.clock, self.counters = Clock(), Counters()
        self.reads = Reads(primary, replica, max_lag_s=60, counters=self.counters, clock=self.clock)

    def counted(self, name: str) -> int:
        return self.counters.snapshot().get(name, 0)

    async def history(self, person_id: str, conversation_id: str) -> list[int]:
        found = await self.reads.run(
            lambda chosen: messages.list_after(chosen, person_id, conversation_id, 0, limit=100)
        )
        return [message.seq for message in found]


@pytest.fixture(scope="module")
def standby(folder: Path, stores: Addresses) -> Iterator[Standby]:
    told = os.environ.get("NURA_TEST_PG")
    made = Standby(folder / "standby", stores, Path(told) if told else postgres.find_binaries())
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
async def replicated(standby: Standby, database_url: str) -> AsyncIterator[Replicated]:
    standby.start()
    await standby.answers()
    primary = await pool.open_pool(database_url, "nura_app", smallest=1, largest=2)
    replica = await pool.open_pool(standby.url, "nura_app", smallest=0, largest=2)
    try:
        yield Replicated(primary, replica)
    finally:
        primary.terminate()
        replica.terminate()
        standby.stop()


@pytest.fixture
async def told(admin: asyncpg.Connection) -> tuple[str, str]:
    """A person and a conversation with one message."""
    person_id = await make_person(admin)
    conversation_id = await make_conversation(admin, person_id)
    await say(admin, person_id, conversation_id, 1)
    return person_id, conversation_id


async def say(admin: asyncpg.Connection, person_id: str, conversation_id: str, seq: int) -> None:
    await admin.execute(
        """
        INSERT INTO messages (conversation_id, user_id, content, role, seq, client_id)
        VALUES ($1, $2, 'words', 'user', $3::bigint, $3::bigint::text)
        """,
        conversation_id,
        person_id,
        seq,
    )


async def replay(standby: Standby, *, on: bool) -> None:
    conn = await asyncpg.connect(standby.admin_url)
    try:
        await conn.execute("SELECT pg_wal_replay_resume()" if on else "SELECT pg_wal_replay_pause()")
    finally:
        await conn.close()


async def until_read_there(replicated: Replicated, told: tuple[str, str]) -> list[int]:
    """A busy machine may need longer to replay than a reader waits: then the primary answers, rightly."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seqs = await replicated.history(*told)
        if replicated.counted("replica_reads"):
            return seqs
        replicated.clock.now += 10
        await asyncio.sleep(0.02)
    raise AssertionError("the standby was never read")


async def test_history_is_read_on_a_standby_that_has_it(
    replicated: Replicated, told: tuple[str, str]
) -> None:
    assert await until_read_there(replicated, told) == [1]


async def test_what_was_just_written_is_read_though_the_standby_lacks_it(
    replicated: Replicated, standby: Standby, admin: asyncpg.Connection, told: tuple[str, str]
) -> None:
    await until_read_there(replicated, told)
    before = replicated.counted("replica_behind")
    await replay(standby, on=False)
    await say(admin, *told, 2)

    seqs = await replicated.history(*told)

    await replay(standby, on=True)
    assert seqs == [1, 2]
    assert replicated.counted("replica_behind") == before + 1


async def test_a_dead_standby_costs_nobody_an_answer(
    replicated: Replicated, standby: Standby, told: tuple[str, str]
) -> None:
    await until_read_there(replicated, told)
    before = replicated.counted("replica_failed")
    standby.stop()

    answers = [await replicated.history(*told) for _ in range(3)]

    assert answers == [[1]] * 3
    assert replicated.counted("replica_failed") == before + 1  # then it is left alone


async def test_a_standby_that_is_back_is_read_again(
    replicated: Replicated, standby: Standby, told: tuple[str, str]
) -> None:
    standby.stop()
    await replicated.history(*told)
    standby.start()
    await standby.answers()
    replicated.clock.now += 10

    assert await until_read_there(replicated, told) == [1]


async def test_without_a_standby_the_primary_answers(database_url: str, told: tuple[str, str]) -> None:
    primary = await pool.open_pool(database_url, "nura_app", smallest=1, largest=1)
    reads = Reads(primary, None, max_lag_s=5, counters=Counters())

    found = await reads.run(lambda chosen: messages.list_after(chosen, *told, 0, limit=9))

    primary.terminate()
    assert [message.seq for message in found] == [1]
