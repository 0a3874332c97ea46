"""A worker whose instance leaves: it takes no more, ends what it began, and leaves no job leased behind it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from nura_rt.jobs.worker import Worker
from nura_rt.store import jobs
from nura_rt.store.jobs import Job
from nura_rt.telemetry import Counters
from rows import make_person
from servers import eventually

LEASED = "SELECT count(*) FROM nura.jobs WHERE state = 'leased'"
DUE = "SELECT count(*) FROM nura.jobs WHERE state = 'due' AND due_at <= now()"


class Slow:
    """A job function that waits at its gate; `begun` and `ended` are keys in order."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.gate = asyncio.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []

    def serial(self, job: Job) -> str:
        return str(job.payload["serial"])

    async def run(self, job: Job) -> None:
        self.begun.append(job.key)
        await self.gate.wait()
        await jobs.finish(self._pool, key=job.key, lease_token=job.lease_token)
        self.ended.append(job.key)

    async def give_up(self, job: Job) -> None:
        raise AssertionError("no job of these tests fails")


@pytest.fixture
def slow(work: asyncpg.Pool) -> Slow:
    return Slow(work)


@pytest.fixture
def ours(work: asyncpg.Pool, slow: Slow) -> Worker:
    return Worker(work, {"test": slow}, lease_s=30, running_at_most=2, held_at_most=100, counters=Counters())


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


async def leased(root: asyncpg.Connection, *, serial: int = 0, person_id: str | None = None) -> Job:
    """A job as it comes with its cause: leased by this instance in the same commit."""
    key, token, payload = f"test:{uuid.uuid4()}", str(uuid.uuid4()), {"serial": serial}
    await root.execute(
        """
        INSERT INTO nura.jobs (kind, key, user_id, payload, state, attempt, lease_token, lease_until)
        VALUES ('test', $1, $2, jsonb_build_object('serial', $3::int), 'leased', 1, $4, now() + interval '30 s')
        """,
        key,
        person_id,
        serial,
        token,
    )
    return Job("test", key, person_id, payload, token, 1)


async def due(root: asyncpg.Connection) -> str:
    return str(
        await root.fetchval(
            """
            INSERT INTO nura.jobs (kind, key, payload)
            VALUES ('test', 'test:' || gen_random_uuid(), '{"serial": 9}') RETURNING key
            """
        )
    )


async def test_who_leaves_claims_nothing_more_and_still_runs_what_comes_with_its_cause(
    root: asyncpg.Connection, ours: Worker, slow: Slow
) -> None:
    slow.gate.set()
    async with running(ours):
        ours.claim_no_more()
        await due(root)
        accepted = await leased(root)

        ours.take(accepted)

        await eventually(lambda: slow.ended)
        await asyncio.sleep(1.2)  # a poll later
    assert slow.begun == [accepted.key]


async def test_what_had_not_begun_is_for_others_and_what_had_ends_here(
    root: asyncpg.Connection, ours: Worker, slow: Slow
) -> None:
    began, behind_it, later = await leased(root), await leased(root), await leased(root, serial=1)
    async with running(ours):
        ours.take(began)
        ours.take(behind_it)
        await eventually(lambda: slow.begun)

        ours.start_no_more()

        ours.take(later)
        slow.gate.set()
        await eventually(lambda: slow.ended)
    assert slow.begun == slow.ended == [began.key]
    assert await root.fetchval(DUE) == 2


async def test_what_waited_for_a_free_place_is_not_begun_either(
    root: asyncpg.Connection, ours: Worker, slow: Slow
) -> None:
    given = [await leased(root, serial=number) for number in range(5)]
    async with running(ours):
        for job in given:
            ours.take(job)
        await eventually(lambda: len(slow.begun) == 2)

        ours.start_no_more()

        slow.gate.set()
        await eventually(lambda: len(slow.ended) == 2)
        await asyncio.sleep(0.1)
    assert len(slow.begun) == 2
    assert await root.fetchval(DUE) == 3


async def test_what_was_kept_while_the_worker_ended_is_given_back_by_the_last_look(
    root: asyncpg.Connection, ours: Worker, slow: Slow
) -> None:
    async with running(ours):
        pass
    ours.take(await leased(root))
    before = await root.fetchval(LEASED)

    await ours.give_back()

    assert (before, await root.fetchval(LEASED), await root.fetchval(DUE)) == (1, 0, 1)
    assert slow.begun == []


async def test_it_knows_for_whom_something_is_not_finished(
    root: asyncpg.Connection, ours: Worker, slow: Slow
) -> None:
    person_id = await make_person(root)
    async with running(ours):
        ours.take(await leased(root, person_id=person_id))
        ours.take(await leased(root, person_id=person_id))
        ours.take(await leased(root, serial=1))
        during = ours.people

        slow.gate.set()
        await eventually(lambda: not ours.people)

    assert during == {person_id, ""}


async def test_a_job_whose_help_was_cancelled_is_tried_again_and_the_next_one_runs(
    root: asyncpg.Connection, ours: Worker, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, broken = slow.run, [True]

    async def helped(job: Job) -> None:
        if broken and broken.pop():
            help = asyncio.get_running_loop().create_future()
            help.cancel()  # say, by whoever should have answered it
            await help
        await run(job)

    monkeypatch.setattr(slow, "run", helped)
    slow.gate.set()
    first, second = await leased(root), await leased(root)
    async with running(ours):
        ours.take(first)
        ours.take(second)
        await eventually(lambda: slow.ended == [second.key, first.key])

        assert ours.people == set()
