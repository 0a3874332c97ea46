"""What was said before a turn: complete or read anew, each turn once, and nobody waits for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from nura_rt.conversation import talks as talks_module
from nura_rt.conversation.talk import Saving
from nura_rt.conversation.talks import Talks
from nura_rt.pipeline.crisis.state import ConversationState
from nura_rt.pipeline.pipeline import Before
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.store import sealing, talks
from nura_rt.store.talks import Said, Talk
from nura_rt.telemetry import Counters

ANN = ("ann", "c1")


def result(level: Level, name: str = "passive_ideation") -> CrisisResult:
    return CrisisResult(level, (Indicator(name, level, "r", "self", "asserted", "now"),), "v")


def found(level: Level) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(result(level))
    return built


class Relay:
    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, *args: Any) -> None: ...


class Ear:
    def hear(self, *args: Any) -> None: ...


class Keys:
    """A keyring with one key for each person."""

    async def key_of(self, person_id: str) -> bytes:
        return person_id.encode().ljust(32, b".")


class House:
    """Talks over a database whose answers are known beforehand, and a room with a listener."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keyring: Any = None) -> None:
        self.kept: dict[tuple[str, str], Talk] = {}
        self.asked: list[tuple[str, str]] = []
        self.saved: list[tuple[str, int]] = []
        self.trouble: Exception | None = None
        self.save_trouble: Exception | None = None
        self.hub = Hub(Relay(), on_gap=lambda _: None)
        self.counters = Counters()
        pool: Any = None
        self.talks = Talks(people=pool, door=pool, keyring=keyring, hub=self.hub, counters=self.counters)
        self.heard: list[ConversationState] = []
        monkeypatch.setattr(talks, "before", self._read)
        monkeypatch.setattr(talks, "keep_placeholders", self._keep)
        monkeypatch.setattr(talks_module, "as_person", self._as_person)

    async def _read(self, pool: Any, person: str, conversation: str, *, limit: int, days: int) -> Talk | None:
        self.asked.append((person, conversation))
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        return self.kept.get((person, conversation))

    @contextlib.asynccontextmanager
    async def _as_person(self, pool: Any, person_id: str) -> AsyncIterator[None]:
        yield

    async def _keep(
        self, conn: Any, *, person_id: str, conversation_id: str, sealed: str, version: int
    ) -> bool:
        await asyncio.sleep(0)
        if self.save_trouble:
            raise self.save_trouble
        key = (person_id, conversation_id)
        now = self.kept[key]
        if version != now.version + 1:
            return False
        self.saved.append((sealed, version))
        self.kept[key] = msgspec.structs.replace(now, sealed=sealed, version=version)
        return True

    def has(self, head: int, *said: Said, names: list[str] | None = None) -> None:
        """Ann's conversation as PostgreSQL has it."""
        self.kept[ANN] = Talk(head, list(said), names or [], None, 0)

    def join(self, head: int) -> None:
        channel = channels.conversation("c1")
        self.hub.join(channel, Ear())
        self.hub.settle(channel, head)

    def say(self, client_id: str, level: Level, seq: int | None, who: tuple[str, str] = ANN) -> None:
        """A turn walks through: known, noted, settled with this seq, told to the room."""

        def then(before: Before) -> None:
            self.heard.append(before.state)
            self.talks.note(*who, client_id, result(level))
            self.talks.settle(*who, client_id, seq)
            if seq is not None:
                self.hub.receive(channels.conversation(who[1]), seq, None)

        self.talks.when_known(*who, client_id, then)

    def name(self, value: str, told: list[str], client_id: str = "k1") -> None:
        """A turn that names somebody: `told` hears the placeholder, and whether it was kept."""

        def then(before: Before) -> Saving | None:
            assert before.placeholders is not None
            grown = before.placeholders.copy()
            placeholder = grown.assign("PERSON", value)
            if len(grown) == len(before.placeholders):
                told.append(placeholder)
                return None
            return Saving(grown, lambda saved: told.append(placeholder if saved else "unsaved"))

        self.talks.when_known(*ANN, client_id, then)

    async def settled(self) -> None:
        await self.talks.settled(timeout_s=5)

    def levels(self) -> list[str]:
        return [turn.level for turn in self.heard[-1].turns]


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    made = House(monkeypatch)
    reading = asyncio.create_task(made.talks.serve_for_ever())
    yield made
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading


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


@pytest.fixture
async def sealed_house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    made = House(monkeypatch, Keys())
    serving = asyncio.create_task(made.talks.serve_for_ever())
    made.join(head=0)
    made.has(0)
    yield made
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


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
