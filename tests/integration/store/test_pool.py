"""The pool lends connections that are young and answer, whatever became of them while they lay idle."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import pytest

from databases import Database
from nura_rt.store import pool, recycling

PID = "SELECT pg_backend_pid()"
LARGEST = 8
WITHIN_S = 8.0  # each silent connection would cost 2 s, were all of them asked


@contextmanager
def silent(pids: set[int]) -> Iterator[None]:
    """These server processes say nothing more and hang up on nobody: as behind a network that lost them."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def pids_at_once(pooled: asyncpg.Pool, number: int) -> set[int]:
    """The server processes of `number` connections lent at the same time."""
    lent = [await pooled.acquire() for _ in range(number)]
    found = {await conn.fetchval(PID) for conn in lent}
    for conn in lent:
        await pooled.release(conn)
    return found


async def opened(
    database: Database, *, largest: int = 1, age_s: float = 3600, idle_s: float = 30
) -> asyncpg.Pool:
    return await pool.open_pool(
        database.url, "nura_worker", smallest=1, largest=largest, max_age_s=age_s, ping_after_s=idle_s
    )


@pytest.fixture
async def doubting(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """One that asks every connection before it lends it."""
    made = await opened(database, largest=LARGEST, idle_s=0)
    yield made
    made.terminate()


async def test_an_old_connection_is_dropped_when_it_is_given_back_and_not_before(
    database: Database, root: asyncpg.Connection
) -> None:
    old = await opened(database, age_s=0)
    try:
        async with old.acquire() as conn:
            first = await conn.fetchval(PID)
            same = await conn.fetchval(PID)
        second = await old.fetchval(PID)

        assert same == first
        assert second != first
        assert not await root.fetchval("SELECT true FROM pg_stat_activity WHERE pid = $1", first)
    finally:
        old.terminate()


async def test_a_young_connection_is_kept(database: Database) -> None:
    young = await opened(database)
    try:
        assert await young.fetchval(PID) == await young.fetchval(PID)
    finally:
        young.terminate()


async def test_old_connections_under_load_are_all_replaced_and_none_is_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recycling, "_FREE_WITHIN_S", 60.0)  # ten rounds of connecting may take long
    old = await opened(database, largest=4, age_s=0)
    try:
        pids = await asyncio.gather(*(old.fetchval(PID) for _ in range(40)))
        at_once = await asyncio.wait_for(pids_at_once(old, 4), 60)
    finally:
        await asyncio.wait_for(old.close(), 30)

    assert (len(set(pids)), len(at_once)) == (40, 4)


@pytest.mark.parametrize(("idle_s", "last"), [(0, "SELECT 1"), (30, PID)])
async def test_only_a_connection_that_lay_idle_is_asked_first(
    database: Database, root: asyncpg.Connection, idle_s: float, last: str
) -> None:
    asking = await opened(database, idle_s=idle_s)
    try:
        pid = await asking.fetchval(PID)
        async with asking.acquire():
            said = await root.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", pid)
    finally:
        asking.terminate()

    assert said == last


async def test_a_silent_connection_is_replaced_without_the_caller_noticing(doubting: asyncpg.Pool) -> None:
    gone = await pids_at_once(doubting, 1)

    with silent(gone):
        alive = await doubting.fetchval(PID)

    assert alive not in gone


async def test_where_one_fell_silent_the_others_are_not_waited_for(doubting: asyncpg.Pool) -> None:
    gone = await pids_at_once(doubting, LARGEST)

    with silent(gone):
        async with asyncio.timeout(WITHIN_S):
            alive = await doubting.fetchval(PID)

    assert alive not in gone


async def test_giving_up_while_a_connection_is_asked_loses_no_place(database: Database) -> None:
    asking = await opened(database, idle_s=0)
    gone = {await asking.fetchval(PID)}
    try:
        with silent(gone):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asking.fetchval(PID), 0.2)
            alive = await asyncio.wait_for(asking.fetchval(PID), 10)
    finally:
        asking.terminate()

    assert alive not in gone
