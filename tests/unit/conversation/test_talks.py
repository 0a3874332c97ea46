"""What was said before a turn: complete or read anew, each turn once, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from nura_rt.conversation import talks as talks_module
from nura_rt.pipeline.crisis.state import ConversationState
from nura_rt.realtime import channels
from nura_rt.store import talks
from nura_rt.store.talks import Said, Talk
from talk_house import ANN, House, found, result, serving


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with serving(House(monkeypatch)) as made:
        yield made


async def test_the_first_turn_waits_for_what_was_said_before_and_the_next_ones_do_not(house: House) -> None:
    house.join(head=3)
    house.has(3, Said("user", "k1", found("high")))

    house.say("k2", "low", 4)
    await house.settled()
    house.say("k3", "none", 5)

    assert house.levels() == ["high", "low"]
    assert house.asked == [ANN]


async def test_turns_that_wait_for_the_same_reading_keep_their_order(house: House) -> None:
    house.join(head=0)
    house.has(0)

    house.say("k1", "low", 1)
    house.say("k2", "moderate", 2)
    house.say("k3", "none", 3)
    await house.settled()

    assert house.levels() == ["low", "moderate"]
    assert house.asked == [ANN]


async def test_what_another_instance_kept_meanwhile_is_read(house: House) -> None:
    house.join(head=0)
    house.has(0)
    house.say("k1", "low", 1)
    await house.settled()
    house.hub.receive(channels.conversation("c1"), 2, None)
    house.has(2, Said("user", "k1", found("low")), Said("user", "else", found("critical")))

    house.say("k2", "none", 3)
    await house.settled()

    assert house.levels() == ["low", "critical"]


async def test_without_a_listener_here_every_turn_reads(house: House) -> None:
    house.has(0)

    for client_id in ("k1", "k2"):
        house.say(client_id, "none", None)
        await house.settled()

    assert house.asked == [ANN, ANN]


async def test_a_repeat_does_not_count_itself(house: House) -> None:
    house.join(head=2)
    house.has(2, Said("user", "k1", found("low")), Said("user", "k2", found("moderate")))

    house.say("k2", "moderate", None)
    await house.settled()

    assert house.levels() == ["low"]


async def test_a_turn_in_flight_counts_before_it_is_kept(house: House) -> None:
    house.join(head=0)
    house.has(0)
    house.say("k0", "none", 1)
    await house.settled()

    house.talks.note(*ANN, "k1", result("high"))
    house.say("k2", "none", 2)

    assert house.levels() == ["none", "high"]


async def test_a_refused_turn_is_no_part_of_what_was_said(house: House) -> None:
    house.join(head=0)
    house.has(0)
    house.say("k1", "high", None)
    await house.settled()

    house.say("k2", "none", 1)

    assert house.levels() == []


async def test_a_question_of_the_last_reply_counts_until_it_is_answered(house: House) -> None:
    house.join(head=2)
    house.has(2, Said("user", "k1", found("low")), Said("assistant", "r1", {"asked": ["active_ideation"]}))

    house.say("k2", "none", 3)
    await house.settled()
    first = house.heard[-1].asked
    house.talks.note_reply(*ANN, 4, ["plan"])
    house.hub.receive(channels.conversation("c1"), 4, None)
    house.say("k3", "none", 5)
    second = house.heard[-1].asked
    house.say("k4", "none", 6)

    assert (first, second, house.heard[-1].asked) == (
        frozenset({"active_ideation"}),
        frozenset({"plan"}),
        frozenset(),
    )
    assert len(house.asked) == 1


@pytest.mark.parametrize(
    ("trouble", "counted"),
    [
        (TimeoutError(), "talks_unread"),
        (OSError(), "talks_unread"),
        (asyncpg.InterfaceError("closed"), "talks_unread"),
        (asyncpg.UndefinedFunctionError("older"), "talks_unread"),
        (ValueError(), "talks_failed"),
    ],
)
async def test_a_past_that_cannot_be_read_costs_no_turn(
    house: House, trouble: Exception, counted: str
) -> None:
    house.trouble = trouble

    house.say("k1", "none", None)
    await house.settled()

    assert house.heard == [ConversationState()]
    assert house.counters.snapshot() == {counted: 1}


async def test_a_database_that_hangs_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*args: Any, **kwargs: Any) -> Talk | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(talks, "before", hang)
    monkeypatch.setattr(talks_module, "_WITHIN_S", 0.01)

    house.say("k1", "none", None)
    await house.settled()

    assert house.heard == [ConversationState()]


async def test_who_waits_when_the_instance_stops_is_screened_without_the_past(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(monkeypatch)
    reading = asyncio.create_task(house.talks.serve_for_ever())
    await asyncio.sleep(0)
    house.talks._wake.clear()
    house.say("k1", "none", None)
    reading.cancel()
    await asyncio.wait([reading])

    assert house.heard == [ConversationState()]
    assert house.talks.people == set()


async def test_a_stranger_who_names_a_conversation_hears_nothing_of_its_owner(house: House) -> None:
    house.join(head=1)
    house.has(1, Said("user", "k1", found("critical")))
    house.say("k2", "none", 2)
    await house.settled()

    house.say("x1", "none", None, who=("bob", "c1"))
    await house.settled()

    assert house.heard[-1] == ConversationState()


async def test_a_changed_title_is_read_with_the_next_turn(house: House) -> None:
    house.join(head=0)
    house.has(0)
    house.say("k1", "none", 1)
    await house.settled()

    house.talks.forget(*ANN)
    house.has(1, Said("title", "e1", found("high")), Said("user", "k1", found("none")))
    house.say("k2", "none", 2)
    await house.settled()

    assert house.levels() == ["high", "none"]


async def test_messages_that_were_not_screened_here_are_passed_over(house: House) -> None:
    house.join(head=2)
    house.has(2, Said("user", "k1", {"old": 1}), Said("user", "k2", {}))

    house.say("k3", "none", 3)
    await house.settled()

    assert house.levels() == []
