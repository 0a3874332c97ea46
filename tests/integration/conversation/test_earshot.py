"""Two instances and one PostgreSQL: whoever is not heard by Redis says so, and the others heed it while it lasts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from nura_rt.conversation import earshot
from nura_rt.conversation.earshot import Earshot
from nura_rt.store import unheard_instances
from nura_rt.telemetry import Counters
from servers import eventually


class Voice:
    """The bus of one instance."""

    is_heard = True


@pytest.fixture(autouse=True)
async def quickly(monkeypatch: pytest.MonkeyPatch, root: asyncpg.Connection) -> None:
    monkeypatch.setattr(earshot, "_EACH_S", 0.05)
    await root.execute("DELETE FROM nura.unheard_instances")


@asynccontextmanager
async def watching(heads: asyncpg.Pool, voices: Sequence[Voice]) -> AsyncIterator[list[Earshot]]:
    ears = [
        Earshot(heads, voice, instance=f"i{number}", counters=Counters())
        for number, voice in enumerate(voices)
    ]
    tasks = [asyncio.create_task(ear.watch_for_ever()) for ear in ears]
    try:
        yield ears
    finally:
        for task in tasks:
            task.cancel()


async def test_who_is_not_heard_is_known_to_all_and_what_was_said_wears_off(
    heads: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earshot, "_LASTS_S", 0.5)
    voices = [Voice(), Voice(), Voice()]
    async with watching(heads, voices) as ears:
        assert all(ear.is_whole for ear in ears)

        voices[1].is_heard = False
        await eventually(lambda: not any(ear.is_whole for ear in ears))
        voices[1].is_heard = True

        await eventually(lambda: all(ear.is_whole for ear in ears))


async def test_it_lasts_as_long_as_it_is_said(
    heads: asyncpg.Pool, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earshot, "_LASTS_S", 0.3)
    voices = [Voice(), Voice()]
    voices[0].is_heard = False

    async with watching(heads, voices) as ears:
        await eventually(lambda: not ears[1].is_whole)
        first = await root.fetchval("SELECT until FROM nura.unheard_instances")
        await eventually_later(root, first)

    assert await root.fetchval("SELECT count(*) FROM nura.unheard_instances") == 1


async def eventually_later(root: asyncpg.Connection, moment: object) -> None:
    async with asyncio.timeout(10):
        until = moment
        while until == moment:
            await asyncio.sleep(0.05)
            until = await root.fetchval("SELECT until FROM nura.unheard_instances")


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


async def test_a_database_that_does_not_answer_changes_nothing_and_ends_nothing() -> None:
    class Away:
        async def fetchval(self, *arguments: object) -> object:
            raise ConnectionResetError

    counters = Counters()
    ear = Earshot(Away(), Voice(), instance="me", counters=counters)  # type: ignore[arg-type]
    task = asyncio.create_task(ear.watch_for_ever())

    await eventually(lambda: counters.snapshot().get("earshot_failed", 0) > 1)

    assert ear.is_whole
    assert not task.done()
    task.cancel()
