"""What an instance did not hear it reads, from a real PostgreSQL: gaps, doubts, silence and deafness."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from conversations import Ear, Silent, Stored
from databases import Database
from nura_rt.conversation.catch_up import CatchUp
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import pool
from nura_rt.telemetry import Counters
from servers import eventually


class House:
    """One instance that follows conversations; `deaf`: the bus brings nothing."""

    def __init__(self, people: Any, heads: Any, *, sweep_s: float = 30.0) -> None:
        self.deaf = False
        self.doubted: list[str] = []
        self.counters = Counters()
        self.hub = Hub(Silent(), on_gap=lambda channel: self.catch_up.note_gap(channel))
        self.catch_up = CatchUp(
            people=people,
            heads=heads,
            hub=self.hub,
            hears_others=lambda: not self.deaf,
            on_doubt=self._doubt,
            counters=self.counters,
            sweep_s=sweep_s,
        )

    def _doubt(self, people: Sequence[str]) -> None:
        self.doubted += people

    def follow(self, stored: Stored) -> Ear:
        """An ear that has everything up to the head."""
        ear = Ear()
        self.hub.join(stored.channel, ear)
        self.hub.settle(stored.channel, stored.head, owner=stored.person_id)
        return ear

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            loops = (
                self.catch_up.fill_for_ever(),
                self.catch_up.check_for_ever(),
                self.catch_up.poll_for_ever(),
            )
            tasks = [group.create_task(loop) for loop in loops]
            yield
            for task in tasks:
                task.cancel()


class Flaky:
    """A pool that fails so many times before it answers."""

    def __init__(self, people: asyncpg.Pool, failures: list[Exception]) -> None:
        self._people = people
        self._failures = failures
        self.asked = 0

    async def fetch(self, *arguments: Any) -> Any:
        self.asked += 1
        if self._failures:
            raise self._failures.pop()
        return await self._people.fetch(*arguments)


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture
async def heads(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_writer", smallest=1, largest=2)
    yield opened
    opened.terminate()


@pytest.fixture
async def house(people: asyncpg.Pool, heads: asyncpg.Pool) -> House:
    return House(people, heads)


@pytest.mark.parametrize("count", [1, 3, 250])
async def test_a_hint_brings_all_that_is_missing(root: asyncpg.Connection, house: House, count: int) -> None:
    stored = await Stored.make(root, 5)
    ears = [house.follow(stored) for _ in range(3)]
    await stored.grow(count)

    async with house.at_work():
        house.hub.receive(stored.channel, stored.head, None)
        await eventually(lambda: len(ears[-1].heard) >= count)

    assert [ear.seqs for ear in ears] == [list(range(6, 6 + count))] * 3


@pytest.mark.parametrize("failure", [ConnectionResetError(), TimeoutError(), RuntimeError("a defect")])
async def test_a_failure_delays_a_fill_and_no_more(
    root: asyncpg.Connection, people: asyncpg.Pool, heads: asyncpg.Pool, failure: Exception
) -> None:
    flaky = Flaky(people, [failure])
    house, stored = House(flaky, heads), await Stored.make(root)
    ear = house.follow(stored)
    await stored.grow(3)

    async with house.at_work():
        house.hub.receive(stored.channel, 3, None)
        await eventually(lambda: len(ear.heard) >= 3)

    assert (ear.seqs, flaky.asked) == ([1, 2, 3], 2)


async def test_a_hint_beyond_what_there_is_changes_nothing(root: asyncpg.Connection, house: House) -> None:
    stored = await Stored.make(root, 1)
    ear = house.follow(stored)
    async with house.at_work():
        house.hub.receive(stored.channel, 10**9, None)
        await eventually(lambda: house.counters.snapshot().get("hints_too_high"))
        await stored.grow(1)

        house.hub.receive(stored.channel, 2, None)
        await eventually(lambda: ear.heard)

    assert ear.types == ["message"]
    assert ear.seqs == [2]


async def test_what_was_taken_away_and_what_is_lost_are_told(root: asyncpg.Connection, house: House) -> None:
    stored = await Stored.make(root)
    ear = house.follow(stored)
    await stored.grow(4)
    await stored.remove(2)
    await stored.grow(1)
    await stored.lose(6)

    async with house.at_work():
        house.hub.receive(stored.channel, 6, None)
        await eventually(lambda: 6 in ear.seqs)

    assert ear.types == ["message", "gap", "message", "message", "message.removed", "gap"]
    assert [frame.get("reason") for _, frame in ear.heard if frame["type"] == "gap"] == ["removed", "lost"]


async def test_what_waited_behind_a_gap_and_was_removed_meanwhile_is_not_handed_on(
    root: asyncpg.Connection, house: House
) -> None:
    stored = await Stored.make(root, 3)
    ear = house.follow(stored)
    await stored.grow(2)
    house.hub.receive(stored.channel, 5, Payload(b'{"type": "message", "text": "held back: 4 is missing"}'))
    await stored.remove(5)

    async with house.at_work():
        await eventually(lambda: 6 in ear.seqs)

    assert ear.types == ["message", "gap", "message.removed"]


async def test_one_read_fills_a_gap_however_many_wait_and_however_often_it_is_heard_of(
    root: asyncpg.Connection, people: asyncpg.Pool, heads: asyncpg.Pool
) -> None:
    counted = Flaky(people, [])
    house, stored = House(counted, heads), await Stored.make(root)
    ears = [house.follow(stored) for _ in range(100)]
    await stored.grow(50)

    async with house.at_work():
        for seq in range(1, 51):
            house.hub.receive(stored.channel, seq, None)
        await eventually(lambda: ears[-1].seqs[-1:] == [50])

    assert {tuple(ear.seqs) for ear in ears} == {tuple(range(1, 51))}
    assert counted.asked == 1


async def test_after_a_doubt_one_query_looks_at_every_conversation(
    root: asyncpg.Connection, people: asyncpg.Pool, heads: asyncpg.Pool
) -> None:
    counted = Flaky(heads, [])
    house = House(people, counted)
    stored = [await Stored.make(root) for _ in range(5)]
    ears = [house.follow(one) for one in stored]
    person = Ear()
    house.hub.join(channels.user(stored[0].person_id), person)
    for one in stored:
        await one.grow(2)

    async with house.at_work():
        house.catch_up.note_doubt()
        await eventually(lambda: all(len(ear.heard) == 2 for ear in ears) and house.doubted)

    assert counted.asked == 1
    assert [ear.seqs for ear in ears] == [[1, 2]] * 5
    assert house.doubted == [stored[0].person_id]
    assert [(frame["type"], frame["reason"]) for _, frame in person.heard] == [("gap", "lost")]


async def test_doubts_that_follow_each_other_are_looked_into_together(
    root: asyncpg.Connection, house: House
) -> None:
    """A bus that flaps does not make everybody read their list all the time."""
    person = Ear()
    house.hub.join(channels.user("ann"), person)

    async with house.at_work():
        house.catch_up.note_doubt()
        await eventually(lambda: person.heard)
        for _ in range(20):
            house.catch_up.note_doubt()
            await asyncio.sleep(0)
        in_doubt = house.catch_up.in_doubt
        await eventually(lambda: len(person.heard) == 2)

    assert in_doubt
    assert not house.catch_up.in_doubt
    assert person.types == ["gap", "gap"]


async def test_without_a_bus_the_heads_are_read_each_second(root: asyncpg.Connection, house: House) -> None:
    stored = await Stored.make(root)
    ear = house.follow(stored)
    house.deaf = True

    async with house.at_work():
        await stored.grow(1)
        await eventually(lambda: ear.seqs == [1])
        await stored.grow(1)
        await eventually(lambda: ear.seqs == [1, 2])

    assert ear.types == ["message", "message"]


async def test_without_a_bus_what_waits_for_a_person_is_asked_for(house: House) -> None:
    person = Ear()
    house.hub.join(channels.user("ann"), person)
    house.deaf = True

    async with house.at_work():
        await eventually(lambda: house.doubted)

    assert (house.doubted, person.heard) == (["ann"], [])


async def test_a_lost_last_message_is_found_by_the_sweep(
    root: asyncpg.Connection, people: asyncpg.Pool, heads: asyncpg.Pool
) -> None:
    house, stored = House(people, heads, sweep_s=0.2), await Stored.make(root)
    ear = house.follow(stored)
    await stored.grow(1)

    async with house.at_work():
        await eventually(lambda: ear.seqs == [1])

    assert ear.types == ["message"]


async def test_a_doubt_counts_for_a_head_that_was_being_read_when_it_came(
    root: asyncpg.Connection, house: House
) -> None:
    """The answer was on its way, and is older than what the bus has missed."""
    stored, ear = await Stored.make(root), Ear()
    house.hub.join(stored.channel, ear)
    house.hub.join(channels.user(stored.person_id), Ear())
    await stored.grow(1)

    async with house.at_work():
        house.catch_up.note_doubt()
        await eventually(lambda: house.doubted)
        house.hub.settle(stored.channel, 0, owner=stored.person_id)
        await eventually(lambda: ear.heard, within_s=15)

    assert ear.seqs == [1]


async def test_a_conversation_deleted_in_silence_is_told(root: asyncpg.Connection, house: House) -> None:
    stored = await Stored.make(root, 1)
    ear = house.follow(stored)
    await stored.delete()

    async with house.at_work():
        house.catch_up.note_doubt()
        await eventually(lambda: ear.heard)

    assert ear.types == ["conversation.removed"]
