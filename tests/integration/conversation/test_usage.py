"""How often a service is used: gathered, then written; nobody's figures are lost for another's sake."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from nura_rt.conversation.usage import Usage
from nura_rt.store import pool
from nura_rt.telemetry import Counters
from rows import make_person, one

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROFILE = """
    SELECT (usage_stats ->> 'uses')::int, last_used_at
      FROM user_service_profiles WHERE user_id = $1 AND service_type = $2
"""


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database_url, "nura_worker", smallest=1, largest=2)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(work: asyncpg.Pool, clock: Clock) -> Usage:
    return Usage(work, Counters(), clock)


async def test_uses_are_counted_and_the_last_one_dated(
    usage: Usage, clock: Clock, admin: asyncpg.Connection
) -> None:
    ann = await make_person(admin)
    usage.note(ann, "chat")
    usage.note(ann, "chat")
    await usage.flush()
    clock.now += timedelta(hours=1)
    usage.note(ann, "chat")
    usage.note(ann, "voice")

    await usage.flush()

    assert await one(admin, PROFILE, ann, "chat") == (3, NOON + timedelta(hours=1))
    assert await one(admin, PROFILE, ann, "voice") == (1, NOON + timedelta(hours=1))


async def test_a_late_figure_never_moves_the_date_back(
    usage: Usage, clock: Clock, admin: asyncpg.Connection
) -> None:
    ann = await make_person(admin)
    usage.note(ann, "chat")
    await usage.flush()
    clock.now -= timedelta(days=1)
    usage.note(ann, "chat")

    await usage.flush()

    assert await one(admin, PROFILE, ann, "chat") == (2, NOON)


async def test_other_figures_of_a_profile_stay(usage: Usage, admin: asyncpg.Connection) -> None:
    ann = await make_person(admin)
    await admin.execute(
        """
        INSERT INTO user_service_profiles (user_id, service_type, usage_stats) VALUES ($1, 'chat', '{"minutes": 7}')
        """,
        ann,
    )
    usage.note(ann, "chat")

    await usage.flush()

    stats = "SELECT usage_stats ->> 'minutes', usage_stats ->> 'uses' FROM user_service_profiles WHERE user_id = $1"
    assert await one(admin, stats, ann) == ("7", "1")


async def test_somebody_who_is_gone_costs_nobody_else_a_figure(
    usage: Usage, admin: asyncpg.Connection
) -> None:
    ann = await make_person(admin)
    usage.note("nobody-of-that-id", "chat")
    usage.note(ann, "chat")

    await usage.flush()

    assert await one(admin, PROFILE, ann, "chat") == (1, NOON)


async def test_what_could_not_be_written_is_written_later(
    work: asyncpg.Pool, database_url: str, clock: Clock, admin: asyncpg.Connection
) -> None:
    ann = await make_person(admin)
    gone = await pool.open_pool(database_url, "nura_worker", smallest=1, largest=1)
    usage = Usage(gone, Counters(), clock)
    usage.note(ann, "chat")
    gone.terminate()
    await usage.flush()
    usage.note(ann, "chat")
    usage._work = work

    await usage.flush()

    assert await one(admin, PROFILE, ann, "chat") == (2, NOON)


@pytest.mark.parametrize(
    "found", ["[]", "null", '{"uses": 1.5}', '{"uses": "many"}', '{"uses": 1e40}', '"x"']
)
async def test_odd_figures_of_one_person_cost_nobody_theirs(
    usage: Usage, admin: asyncpg.Connection, found: str
) -> None:
    ann, bob = await make_person(admin), await make_person(admin)
    await admin.execute(
        "INSERT INTO user_service_profiles (user_id, service_type, usage_stats) VALUES ($1, 'chat', $2)",
        ann,
        found,
    )
    for person_id in (ann, bob):
        usage.note(person_id, "chat")

    await usage.flush()

    assert [(await one(admin, PROFILE, person_id, "chat"))[0] for person_id in (ann, bob)] == [1, 1]
