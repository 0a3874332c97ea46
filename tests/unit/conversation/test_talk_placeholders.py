"""Which placeholder stands for what: sealed, kept before the words go on, the same on every instance."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from nura_rt.pipeline.pipeline import Before
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.store import sealing, talks
from nura_rt.store.talks import Said, Talk
from talk_house import ANN, House, Keys, found, serving


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with serving(House(monkeypatch)) as made:
        yield made


@pytest.fixture
async def sealed_house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with serving(House(monkeypatch, Keys())) as made:
        made.join(head=0)
        made.has(0)
        yield made


async def test_a_new_name_is_sealed_and_kept_before_its_turn_goes_on(sealed_house: House) -> None:
    told: list[str] = []

    sealed_house.name("Ana", told)
    await sealed_house.settled()

    (sealed, version) = sealed_house.saved[0]
    opened = sealing.open_sealed(
        await Keys().key_of("ann"),
        sealed,
        table="nura.placeholders",
        row_id="c1",
        person_id="ann",
        field="sealed",
    )
    assert told == ["<PERSON_1>"]
    assert version == 1
    assert "Ana" not in sealed
    assert Placeholders.from_builtins(msgspec.json.decode(opened)).restore("<PERSON_1>") == "Ana"


async def test_a_known_name_keeps_its_number_and_is_not_saved_again(sealed_house: House) -> None:
    told: list[str] = []

    for client_id, value in (("k1", "Ana"), ("k2", "Ben"), ("k3", "ana")):
        sealed_house.name(value, told, client_id)
    await sealed_house.settled()

    assert told == ["<PERSON_1>", "<PERSON_2>", "<PERSON_1>"]
    assert [version for _, version in sealed_house.saved] == [1, 2]


async def test_what_another_instance_named_meanwhile_keeps_its_number(sealed_house: House) -> None:
    told: list[str] = []
    sealed_house.name("Ana", told, "k1")
    await sealed_house.settled()
    theirs = Placeholders.from_builtins({"PERSON": ["Ana", "Zoe"]})
    text = msgspec.json.encode(theirs.to_builtins()).decode()
    sealed = sealing.seal(
        await Keys().key_of("ann"),
        text,
        table="nura.placeholders",
        row_id="c1",
        person_id="ann",
        field="sealed",
    )
    sealed_house.kept[ANN] = Talk(0, [], [], sealed, 2)

    sealed_house.name("Ben", told, "k2")
    sealed_house.name("Zoe", told, "k3")
    await sealed_house.settled()

    assert told == ["<PERSON_1>", "<PERSON_3>", "<PERSON_2>"]


async def test_turns_behind_one_that_is_being_saved_keep_their_order(sealed_house: House) -> None:
    order: list[str] = []
    sealed_house.name("Ana", order)
    sealed_house.say("k2", "low", 1)
    sealed_house.talks.when_known(*ANN, "k3", lambda before: order.append("third"))
    before = list(order)
    await sealed_house.settled()

    assert before == []
    assert order == ["<PERSON_1>", "third"]
    assert sealed_house.levels() == []


@pytest.mark.parametrize("trouble", [OSError(), TimeoutError(), asyncpg.ForeignKeyViolationError("no such")])
async def test_a_name_that_cannot_be_kept_gets_no_number(sealed_house: House, trouble: Exception) -> None:
    told: list[str] = []
    sealed_house.save_trouble = trouble

    sealed_house.name("Ana", told)
    await sealed_house.settled()

    assert told == ["unsaved"]
    assert sealed_house.counters.snapshot() == {"placeholders_unsaved": 1}


async def test_a_seal_that_does_not_open_costs_the_numbers_and_not_what_was_found(
    sealed_house: House,
) -> None:
    sealed_house.kept[ANN] = Talk(0, [Said("user", "k0", found("high"))], ["Ann"], "enc1:broken", 3)
    seen: list[Before] = []

    sealed_house.talks.when_known(*ANN, "k1", lambda before: seen.append(before))
    await sealed_house.settled()

    assert seen[0].placeholders is None
    assert [turn.level for turn in seen[0].state.turns] == ["high"]
    assert sealed_house.counters.snapshot() == {"placeholders_unread": 1}


async def test_without_a_keyring_nothing_has_a_number(house: House) -> None:
    house.has(0, names=["Ann Lee"])
    seen: list[Before] = []

    house.talks.when_known(*ANN, "k1", lambda before: seen.append(before))
    await house.settled()

    assert seen[0].placeholders is None
    assert seen[0].names is not None


async def test_who_is_being_saved_when_the_instance_stops_is_let_go_without_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(monkeypatch, Keys())
    house.join(head=0)
    house.has(0)
    told: list[str] = []
    entered = asyncio.Event()

    async def hang(*args: Any, **kwargs: Any) -> bool:
        entered.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(talks, "keep_placeholders", hang)
    serving = asyncio.create_task(house.talks.serve_for_ever())
    house.name("Ana", told)
    house.say("k2", "none", None)
    await entered.wait()
    serving.cancel()
    await asyncio.wait([serving])

    assert told == ["unsaved"]
    assert len(house.heard) == 1
    assert house.talks.people == set()
