"""Two instances and one PostgreSQL: whoever is not heard by Redis says so, and the others heed it while it lasts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation import earshot
from nura_rt.conversation.earshot import Earshot
from nura_rt.realtime.bus import RedisBus
from nura_rt.store import pool, unheard_instances
from nura_rt.telemetry import Counters
from proxy import Proxy, postgres_socket, postgres_through
from servers import eventually

UNTIL = "SELECT until FROM nura.unheard_instances"


class Bus:
    """That of one instance."""

    state = "ok"
    lag_s = 0.0
    is_behind = False


@pytest.fixture(autouse=True)
async def quickly(monkeypatch: pytest.MonkeyPatch, root: asyncpg.Connection) -> None:
    monkeypatch.setattr(earshot, "_EACH_S", 0.05)
    await root.execute("DELETE FROM nura.unheard_instances")


def made(heads: Any, bus: Bus, name: str = "me", counters: Counters | None = None) -> Earshot:
    return Earshot(heads, cast("RedisBus", bus), instance=name, counters=counters or Counters())


@asynccontextmanager
async def watching(heads: asyncpg.Pool, buses: Sequence[Bus]) -> AsyncIterator[list[Earshot]]:
    ears = [made(heads, bus, f"i{number}") for number, bus in enumerate(buses)]
    tasks = [asyncio.create_task(ear.watch_for_ever()) for ear in ears]
    try:
        yield ears
    finally:
        for task in tasks:
            task.cancel()


async def test_who_is_not_heard_is_known_to_the_others_until_all_was_told(heads: asyncpg.Pool) -> None:
    buses = [Bus(), Bus(), Bus()]
    async with watching(heads, buses) as ears:
        await eventually(lambda: all(ear.is_whole for ear in ears))

        buses[1].is_behind = True
        await eventually(lambda: not ears[0].is_whole and not ears[2].is_whole)
        about_itself = ears[1].is_whole
        buses[1].is_behind = False

        await eventually(lambda: all(ear.is_whole for ear in ears))

    assert about_itself


async def test_what_was_said_wears_off_when_the_instance_has_died(
    heads: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earshot, "_LASTS_S", 1.0)
    bus = Bus()
    async with watching(heads, [bus]) as (ear,):
        await eventually(lambda: ear.is_whole)

        await unheard_instances.say(heads, "another", lasts_s=1.0)
        await eventually(lambda: not ear.is_whole)

        await eventually(lambda: ear.is_whole)


async def test_it_lasts_as_long_as_it_is_said(heads: asyncpg.Pool, root: asyncpg.Connection) -> None:
    buses = [Bus(), Bus()]
    buses[0].is_behind = True

    async with watching(heads, buses):
        await eventually_later(root, None)
        await eventually_later(root, await root.fetchval(UNTIL))

    assert await root.fetchval("SELECT count(*) FROM nura.unheard_instances") == 1


async def eventually_later(root: asyncpg.Connection, moment: object) -> None:
    async with asyncio.timeout(10):
        until = await root.fetchval(UNTIL)
        while until == moment:
            await asyncio.sleep(0.05)
            until = await root.fetchval(UNTIL)


async def test_before_anybody_was_asked_nothing_is_relied_on(heads: asyncpg.Pool) -> None:
    assert not made(heads, Bus()).is_whole


@pytest.mark.parametrize(
    ("state", "lag_s", "found"),
    [("ok", 0.5, (True, True)), ("ok", 1.5, (True, False)), ("sick", 0.0, (False, False))],
)
async def test_our_own_bus_counts_too(
    heads: asyncpg.Pool, state: str, lag_s: float, found: tuple[bool, bool]
) -> None:
    bus = Bus()
    async with watching(heads, [bus]) as (ear,):
        await eventually(lambda: ear.is_whole)

        bus.state, bus.lag_s = state, lag_s

        assert (ear.is_whole, ear.is_whole_now) == found


async def test_our_own_word_is_not_taken_for_another_s(heads: asyncpg.Pool) -> None:
    await unheard_instances.say(heads, "me", lasts_s=60)

    assert not await unheard_instances.any_but(heads, "me")
    assert await unheard_instances.any_but(heads, "another")


async def test_instances_long_gone_leave_nothing_behind(
    heads: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    await root.execute("INSERT INTO nura.unheard_instances VALUES ('long gone', now() - interval '2 hours')")

    await unheard_instances.say(heads, "me", lasts_s=60)

    assert await root.fetchval("SELECT array_agg(instance) FROM nura.unheard_instances") == ["me"]


async def test_a_database_that_hangs_is_left_and_asked_again_on_another_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that died silently would keep us for as long as a query may take at all."""
    monkeypatch.setattr(earshot, "_WITHIN_S", 0.5)
    counters = Counters()
    async with Proxy(postgres_socket(database.url)) as link:
        heads = await pool.open_pool(
            postgres_through(database.url, link.port), "nura_writer", smallest=1, largest=1
        )
        ear = made(heads, Bus(), counters=counters)
        task = asyncio.create_task(ear.watch_for_ever())
        await eventually(lambda: ear.is_whole)

        link.strand()
        await eventually(lambda: counters.snapshot().get("earshot_failed"))
        failed = counters.snapshot()["earshot_failed"]
        await asyncio.wait_for(unheard_instances.say(heads, "another", lasts_s=60), 10)
        await eventually(lambda: not ear.is_whole)

        task.cancel()
        heads.terminate()

    assert failed >= 1
