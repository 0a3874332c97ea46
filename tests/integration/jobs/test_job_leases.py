"""Leases of jobs on a real PostgreSQL: one owner at a time, the dead are replaced, the late are fenced off."""

import asyncio
import uuid

import asyncpg
import pytest

from nura_rt.store import jobs
from nura_rt.store.jobs import Job
from rows import one

STATE = "SELECT state, attempt, lease_token IS NOT NULL, last_error_code FROM nura.jobs WHERE key = $1"
LATE = "UPDATE nura.jobs SET lease_until = now() - interval '1 s' WHERE key = $1"


async def put(root: asyncpg.Connection, number: int, *, due_in_s: float = -1) -> list[str]:
    rows = await root.fetch(
        """
        INSERT INTO nura.jobs (kind, key, payload, due_at)
        SELECT 'test', 'test:' || gen_random_uuid(), '{"n": 1}', now() + make_interval(secs => $2)
          FROM generate_series(1, $1) RETURNING key
        """,
        number,
        due_in_s,
    )
    return [row["key"] for row in rows]


async def claim_one(work: asyncpg.Pool, *, lease_s: float = 60) -> Job:
    (job,) = await jobs.claim(work, ["test"], limit=1, lease_s=lease_s)
    return job


async def test_claimers_at_once_never_get_the_same_job(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    keys = await put(root, 200)

    async def claim_all() -> list[Job]:
        mine: list[Job] = []
        while found := await jobs.claim(work, ["test"], limit=7, lease_s=60):
            mine += found
        return mine

    claimed = [job for share in await asyncio.gather(*(claim_all() for _ in range(4))) for job in share]

    assert sorted(job.key for job in claimed) == sorted(keys)
    assert len({job.lease_token for job in claimed}) == 200
    assert {(job.attempt, job.kind, job.payload["n"]) for job in claimed} == {(1, "test", 1)}


async def test_a_job_that_is_not_due_waits(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1, due_in_s=60)

    assert await jobs.claim(work, ["test"], limit=10, lease_s=60) == []


async def test_the_longest_due_comes_first(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    (late,), (later,) = await put(root, 1, due_in_s=-5), await put(root, 1, due_in_s=-9)

    claimed = [(await claim_one(work)).key, (await claim_one(work)).key]

    assert claimed == [later, late]


async def test_a_held_job_is_nobody_elses(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    await claim_one(work)

    assert await jobs.claim(work, ["test"], limit=10, lease_s=60) == []


async def test_an_expired_lease_is_taken_over_under_a_new_token(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    await put(root, 1)
    first = await claim_one(work)
    await root.execute(LATE, first.key)

    second = await claim_one(work)

    assert (second.key, second.attempt) == (first.key, 2)
    assert second.lease_token != first.lease_token


async def test_a_renewed_lease_is_not_taken_over(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    job = await claim_one(work)
    await root.execute(LATE, job.key)

    kept = await jobs.renew(work, [job.lease_token, str(uuid.uuid4())], lease_s=60)

    assert kept == {job.lease_token}
    assert await jobs.claim(work, ["test"], limit=10, lease_s=60) == []


async def test_a_finished_job_is_never_due_again(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    job = await claim_one(work)

    ended = await jobs.finish(work, key=job.key, lease_token=job.lease_token)

    assert ended
    assert await one(root, STATE, job.key) == ("done", 1, False, None)
    assert await jobs.claim(work, ["test"], limit=10, lease_s=60) == []
    assert await jobs.renew(work, [job.lease_token], lease_s=60) == set()


async def test_a_late_owner_is_fenced(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    late = await claim_one(work)
    await root.execute(LATE, late.key)
    owner = await claim_one(work)

    renewed = await jobs.renew(work, [late.lease_token], lease_s=60)
    ended = await jobs.finish(work, key=late.key, lease_token=late.lease_token)
    await jobs.retry(
        work, key=late.key, lease_token=late.lease_token, delay_s=0, dead=True, error_code="late"
    )

    assert (renewed, ended) == (set(), False)
    assert await one(root, STATE, late.key) == ("leased", 2, True, None)
    assert await jobs.finish(work, key=owner.key, lease_token=owner.lease_token)


@pytest.mark.parametrize(("delay_s", "again"), [(0.0, 1), (60.0, 0)])
async def test_a_job_given_back_is_due_after_its_delay(
    root: asyncpg.Connection, work: asyncpg.Pool, delay_s: float, again: int
) -> None:
    await put(root, 1)
    job = await claim_one(work)

    await jobs.retry(
        work, key=job.key, lease_token=job.lease_token, delay_s=delay_s, dead=False, error_code="Broken"
    )

    assert await one(root, STATE, job.key) == ("due", 1, False, "Broken")
    assert len(await jobs.claim(work, ["test"], limit=10, lease_s=60)) == again


async def test_a_dead_job_stays_dead(root: asyncpg.Connection, work: asyncpg.Pool) -> None:
    await put(root, 1)
    job = await claim_one(work)

    await jobs.retry(
        work, key=job.key, lease_token=job.lease_token, delay_s=0, dead=True, error_code="Broken"
    )

    assert await one(root, STATE, job.key) == ("dead", 1, False, "Broken")
    assert await jobs.claim(work, ["test"], limit=10, lease_s=60) == []


async def test_a_claim_takes_no_more_than_its_limit_whatever_the_planner_believes(
    root: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    make = (
        "INSERT INTO nura.jobs (kind, key, payload) "
        "SELECT 'test', 'test:' || gen_random_uuid(), '{}' FROM generate_series(1, $1::int)"
    )
    await root.execute(make, 300)
    await root.execute("DELETE FROM nura.jobs")
    await root.execute("ANALYZE nura.jobs")  # it now believes the table empty, and may run a subquery per row
    await root.execute(make, 10)

    claimed = await jobs.claim(work, ["test"], limit=4, lease_s=60)

    assert len(claimed) == 4
