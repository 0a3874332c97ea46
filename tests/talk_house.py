"""Talks over a database whose answers are known beforehand, for the tests of what is known before a turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from nura_rt.conversation import talks as talks_module
from nura_rt.conversation.talk import Saving
from nura_rt.conversation.talks import Talks
from nura_rt.pipeline.crisis.state import ConversationState
from nura_rt.pipeline.pipeline import Before
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.store import talks
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


@contextlib.asynccontextmanager
async def serving(house: House) -> AsyncIterator[House]:
    """The house with somebody who reads and saves for it."""
    task = asyncio.create_task(house.talks.serve_for_ever())
    try:
        yield house
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
