"""Notices wait in PostgreSQL until the person takes note: sent at each hello, and again when a telling may be lost.

A notice is written in the transaction of its cause (`store.batch`, `words`); here it is only told and acknowledged.
"""

import asyncio
import logging
from collections.abc import Iterable

import asyncpg
import msgspec

from nura_rt.protocol.server import Support
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.store import notices
from nura_rt.store.notices import Notice, Waiting
from nura_rt.store.pool import UNAVAILABLE, as_person
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_AT_MOST = 100
_PEOPLE_AT_MOST = 10_000  # who wait to be told again; beyond it cards are shown without asking
_ASKED_AT_ONCE = 500  # people of this instance
_PAUSE_S = 0.5


class Notices:
    """Reads as the person, writes as the door."""

    def __init__(self, people: asyncpg.Pool, *, door: asyncpg.Pool, hub: Hub, counters: Counters) -> None:
        self._people = people
        self._door = door
        self._hub = hub
        self._counters = counters
        self._again: dict[str, dict[str, Support]] = {}
        self._here: set[str] = set()
        self._wake = asyncio.Event()

    async def pending(self, person_id: str) -> list[Payload]:
        """What the person has not taken note of, the oldest first: at most the newest hundred."""
        waiting = await notices.pending(self._people, person_id, limit=_AT_MOST)
        return [_payload(notice) for notice in waiting]

    async def acknowledge(self, person_id: str, notice_id: str) -> None:
        """It does not come again; an unknown, another person's or an acknowledged one changes nothing."""
        if "\x00" in notice_id:  # PostgreSQL cannot even be asked
            return
        async with as_person(self._door, person_id) as conn:
            await notices.acknowledge(conn, person_id=person_id, key=notice_id)

    def say_again(self, person_id: str, card: Support | None = None) -> None:
        """Soon the person's devices, wherever they are, hear again what still waits. Never blocks.

        `card`: what a repeat brought. It is shown too if it was never kept: an older instance took the words, or
        these are others. Without one only the devices here hear it.
        """
        if card is None:
            self.say_again_here([person_id])
            return
        if person_id not in self._again and len(self._again) >= _PEOPLE_AT_MOST:
            self._counters.add("notices_not_asked_for")
            self._say(person_id, [_shown(card)])
            return
        cards = self._again.setdefault(person_id, {})
        if len(cards) < _AT_MOST:
            cards[card.notice_id] = card
        self._wake.set()

    def say_again_here(self, people: Iterable[str]) -> None:
        """The same for their devices on this instance, few queries for all of them: each instance cares for its own."""
        self._here.update(people)
        self._wake.set()

    async def say_for_ever(self) -> None:
        """Tells again whom the two above named, until cancelled. While the database is away they wait."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._again or self._here:
                if not (await self._said_again() and await self._said_here()):
                    self._counters.add("notices_failed")
                    await asyncio.sleep(_PAUSE_S)

    async def _said_again(self) -> bool:
        """One person's repeats; false when the database is away."""
        if not self._again:
            return True
        person_id = next(iter(self._again))
        cards = self._again.pop(person_id)
        try:
            told = await self._to_say(person_id, cards)
        except UNAVAILABLE:
            self._again[person_id] = cards | self._again.get(person_id, {})
            return False
        except Exception:  # a defect here may say one too often, never end the instance
            _log.exception("notices: what waits is not known")
            told = [_shown(card) for card in cards.values()]
        self._say(person_id, told)
        return True

    async def _said_here(self) -> bool:
        """Some of the people here; false when the database is away."""
        asked = [self._here.pop() for _ in range(min(len(self._here), _ASKED_AT_ONCE))]
        people = [person_id for person_id in asked if self._hub.room(channels.user(person_id))]
        try:
            waiting = await notices.pending_of_many(self._people, people, limit=_AT_MOST) if people else []
        except UNAVAILABLE:
            self._here.update(people)
            return False
        except Exception:  # they come at the next hello all the same
            _log.exception("notices: what waits is not known")
            return True
        for notice in waiting:
            self._hub.receive(channels.user(notice.user_id), None, _payload(notice))
        return True

    async def _to_say(self, person_id: str, cards: dict[str, Support]) -> list[Payload]:
        told = await self.pending(person_id)
        async with as_person(self._door, person_id) as conn:
            known = await notices.known(conn, person_id=person_id, keys=list(cards))
        return told + [_shown(card) for key, card in cards.items() if key not in known]

    def _say(self, person_id: str, told: list[Payload]) -> None:
        for payload in told:
            self._hub.publish(channels.user(person_id), payload)


def _shown(card: Support) -> Payload:
    return Payload.of(card, Tier.SUPPORT)


def _payload(notice: Notice | Waiting) -> Payload:
    tier = Tier.SUPPORT if notice.kind == "support" else Tier.DURABLE
    return Payload(msgspec.json.encode(notice.frame), tier)
