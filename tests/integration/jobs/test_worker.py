"""The worker with a real database: every job runs, one owner at a time, and a dead instance's work is taken over."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.jobs.worker import Worker
from nura_rt.store import jobs
from nura_rt.store.jobs import Job
from nura_rt.store.pool import open_pool
from nura_rt.telemetry import Counters
from rows import one
from servers import eventually

STATE = "SELECT state, attempt, lease_token IS NOT NULL, last_error_code FROM nura.jobs WHERE key = $1"
WITHIN_S = 10.0


class Work:
    """A job function; `ran` counts runs by key, `together` is how many of one serial ran at once at most."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.ran: Counter[str] = Counter()
        self.order: list[str] = []
        self.gave_up: list[str] = []
        self.counters = Counters()
        self.together: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self.fails = 0  # so many times, from now on
        self.gate = asyncio.Event()
        self.gate.set()

    def serial(self, job: Job) -> str:
        return str(job.payload["serial"])

    async def run(self, job: Job) -> None:
        serial = self.serial(job)
        self.ran[job.key] += 1
        self.order.append(job.key)
        self._now[serial] += 1
        self.together[serial] = max(self.together[serial], self._now[serial])
        try:
            await self.gate.wait()
            await asyncio.sleep(0.001)
            if self.fails:
                self.fails -= 1
                raise RuntimeError("broken")
            await jobs.finish(self._pool, key=job.key, lease_token=job.lease_token)
        finally:
            self._now[serial] -= 1

    async def give_up(self, job: Job) -> None:
        self.gave_up.append(job.key)


def worker(pool: asyncpg.Pool, work: Work, *, lease_s: float = 30, held_at_most: int = 100) -> Worker:
    return Worker(
        pool,
        {"test": work},
        lease_s=lease_s,
        running_at_most=8,
        held_at_most=held_at_most,
        counters=work.counters,
    )


@asynccontextmanager
async def running(ours: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(ours.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def put(root: asyncpg.Connection, number: int, *, serials: int = 5, attempt: int = 0) -> list[str]:
    rows = await root.fetch(
        """
        INSERT INTO nura.jobs (kind, key, payload, attempt)
        SELECT 'test', 'test:' || gen_random_uuid(), jsonb_build_object('serial', n % $2::int), $3
          FROM generate_series(1, $1) n RETURNING key
        """,
        number,
        serials,
        attempt,
    )
    return [row["key"] for row in rows]


async def settled(root: asyncpg.Connection, state: str, number: int) -> None:
    sql = "SELECT count(*) FROM nura.jobs WHERE state = $1"
    async with asyncio.timeout(WITHIN_S):
        while await root.fetchval(sql, state) != number:  # noqa: ASYNC110 - another connection's doing
            await asyncio.sleep(0.02)


async def test_two_workers_run_every_job_once_and_one_serial_at_a_time(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    keys = await put(root, 150)
    doing, other = Work(work), Work(work)

    async with running(worker(work, doing)), running(worker(work, other)):
        await settled(root, "done", 150)

    assert doing.ran + other.ran == Counter(keys)
    assert max((doing.together | other.together).values()) == 1


async def test_a_job_leased_with_its_cause_runs_at_once(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    (job,) = await jobs.claim(work, ["test"], limit=1, lease_s=30)
    doing, ours = Work(work), None

    async with running(ours := worker(work, doing)):
        ours.take(job)
        await asyncio.sleep(0.2)

    assert doing.ran == Counter([job.key])


async def test_a_dead_instances_jobs_are_taken_over(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    (key,) = await put(root, 1)
    await jobs.claim(work, ["test"], limit=1, lease_s=0.01)
    doing = Work(work)

    async with running(worker(work, doing)):
        await settled(root, "done", 1)

    assert doing.ran == Counter([key])
    assert (await one(root, STATE, key))[:2] == ("done", 2)


async def test_a_long_job_keeps_its_lease(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    (key,) = await put(root, 1)
    doing, other = Work(work), Work(work)
    doing.gate.clear()

    async with running(worker(work, doing, lease_s=3)):
        await settled(root, "leased", 1)
        async with running(worker(work, other, lease_s=3)):
            await asyncio.sleep(4.2)  # the first lease has run out by now, and both have looked since
            doing.gate.set()
            await settled(root, "done", 1)

    assert doing.ran + other.ran == Counter([key])
    assert await one(root, STATE, key) == ("done", 1, False, None)


async def test_a_failed_job_is_tried_again_later(
    root: asyncpg.Connection, work: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    (key,) = await put(root, 1)
    doing = Work(work)
    doing.fails = 1

    async with running(worker(work, doing)):
        await settled(root, "done", 1)

    assert doing.ran[key] == 2
    assert await one(root, STATE, key) == ("done", 2, False, "RuntimeError")
    assert doing.gave_up == []
    assert "broken" not in caplog.messages


async def test_the_last_failure_is_told_and_the_job_is_dead(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    (key,) = await put(root, 1, attempt=5)
    doing = Work(work)
    doing.fails = 1

    async with running(worker(work, doing)):
        await settled(root, "dead", 1)

    assert doing.gave_up == [key]
    assert await one(root, STATE, key) == ("dead", 6, False, "RuntimeError")


async def test_what_is_held_at_the_end_is_given_back_at_once(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    await put(root, 3, serials=1)
    doing = Work(work)
    doing.gate.clear()

    async with running(worker(work, doing)):
        await settled(root, "leased", 3)

    assert await one(root, "SELECT DISTINCT state, attempt FROM nura.jobs") == ("due", 0)


async def test_what_was_claimed_but_not_yet_heard_of_is_given_back_too(
    root: asyncpg.Connection, work: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(root, 3)
    committed, claim = asyncio.Event(), jobs.claim

    async def slow(*args: Any, **options: Any) -> list[Job]:
        found = await claim(*args, **options)
        committed.set()
        await asyncio.sleep(0.1)  # the answer is on its way
        return found

    monkeypatch.setattr(jobs, "claim", slow)
    doing = Work(work)

    async with running(worker(work, doing)), asyncio.timeout(WITHIN_S):
        await committed.wait()

    assert await one(root, "SELECT DISTINCT state, attempt FROM nura.jobs") == ("due", 0)
    assert not doing.ran
    assert len(await jobs.claim(work, ["test"], limit=10, lease_s=30)) == 3


async def test_a_kind_this_instance_does_not_know_is_left_to_those_that_do(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    """While instances are replaced one by one, an old one meets the jobs of a new one."""
    await root.execute(
        "INSERT INTO nura.jobs (kind, key, payload) VALUES ('of tomorrow', 'tomorrow:1', '{}')"
    )
    keys = await put(root, 3)
    doing = Work(work)

    async with running(worker(work, doing)):
        await settled(root, "done", 3)

    assert doing.ran == Counter(keys)


async def test_no_more_is_held_than_allowed(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 10)
    doing = Work(work)
    doing.gate.clear()

    async with running(worker(work, doing, held_at_most=4)):
        await settled(root, "leased", 4)
        await asyncio.sleep(1.2)
        held = await root.fetchval("SELECT count(*) FROM nura.jobs WHERE state = 'leased'")

    assert held == 4


async def test_a_lost_lease_stops_the_job_that_has_not_begun(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    await put(root, 2, serials=1)
    doing = Work(work)
    doing.gate.clear()

    async with running(worker(work, doing, lease_s=3)):
        await eventually(lambda: doing.order)
        waiting = "SELECT key FROM nura.jobs WHERE key <> $1"
        key = await root.fetchval(waiting, doing.order[0])
        await root.execute("UPDATE nura.jobs SET state = 'dead', lease_token = NULL WHERE key = $1", key)
        await eventually(lambda: doing.counters.snapshot().get("jobs_lease_lost"))
        doing.gate.set()
        await settled(root, "done", 1)
        await asyncio.sleep(0.1)

    assert doing.ran[key] == 0


async def test_an_instance_outlives_a_database_that_refuses_to_take_a_job_back(
    database: Database, root: asyncpg.Connection
) -> None:
    powerless = await open_pool(database.url, "nura_app", smallest=1, largest=2)  # may touch no job
    try:
        work = Work(powerless)
        ours = worker(powerless, work)
        async with running(ours):
            ours.take(Job("test", "test:refused", None, {"serial": 1}, str(uuid.uuid4()), 1))
            await asyncio.sleep(1.5)  # it fails, is refused, is polled for, is refused
            ours.take(Job("test", "test:next", None, {"serial": 2}, str(uuid.uuid4()), 1))
            await asyncio.sleep(0.1)
    finally:
        powerless.terminate()

    assert work.ran["test:next"] == 1
