"""Notices wait in PostgreSQL until the person takes note: sent at each hello, and again when a telling may be lost.

A notice is written in the transaction of its cause (`store.batch`, `words`); here it is only told and acknowledged.
"""

import asyncio
import logging

import asyncpg
import msgspec

from nura_rt.protocol.server import Support
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.store import notices
from nura_rt.store.notices import Notice
from nura_rt.store.pool import UNAVAILABLE, as_person
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_AT_MOST = 100
_PEOPLE_AT_MOST = 10_000  # who wait to be told again; beyond it cards are shown without asking
_PAUSE_S = 0.5


class Notices:
    """Reads as the person, writes as the door."""

    def __init__(self, people: asyncpg.Pool, *, door: asyncpg.Pool, hub: Hub, counters: Counters) -> None:
        self._people = people
        self._door = door
        self._hub = hub
        self._counters = counters
        self._again: dict[str, dict[str, Support]] = {}
        self._wake = asyncio.Event()

    async def pending(self, person_id: str) -> list[Payload]:
        """What the person has not taken note of, the oldest first: at most the newest hundred."""
        waiting = await notices.pending(self._people, person_id, limit=_AT_MOST)
        return [_payload(notice) for notice in waiting]

    async def acknowledge(self, person_id: str, notice_id: str) -> None:
        """It does not come again; an unknown, another person's or an acknowledged one changes nothing."""
        async with as_person(self._door, person_id) as conn:
            await notices.acknowledge(conn, person_id=person_id, key=notice_id)

    def say_again(self, person_id: str, card: Support | None = None) -> None:
        """Soon the person's devices hear again what still waits. Never blocks.

        `card`: what a repeat brought. It is shown too if it was never kept: an older instance took the words, or
        these are others.
        """
        if person_id not in self._again and len(self._again) >= _PEOPLE_AT_MOST:
            self._counters.add("notices_not_asked_for")
            self._say(person_id, [_shown(card)] if card else [])
            return
        cards = self._again.setdefault(person_id, {})
        if card is not None and len(cards) < _AT_MOST:
            cards[card.notice_id] = card
        self._wake.set()

    async def say_for_ever(self) -> None:
        """Tells again whom `say_again` named, until cancelled. While the database is away they wait."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._again:
                person_id = next(iter(self._again))
                cards = self._again.pop(person_id)
                try:
                    told = await self._to_say(person_id, cards)
                except UNAVAILABLE:
                    self._counters.add("notices_failed")
                    self._again[person_id] = cards | self._again.get(person_id, {})
                    await asyncio.sleep(_PAUSE_S)
                    continue
                except Exception:  # a defect here may say one too often, never end the instance
                    _log.exception("notices: what waits is not known")
                    told = [_shown(card) for card in cards.values()]
                self._say(person_id, told)

    async def _to_say(self, person_id: str, cards: dict[str, Support]) -> list[Payload]:
        told = await self.pending(person_id)
        if cards:
            async with as_person(self._door, person_id) as conn:
                known = await notices.known(conn, person_id=person_id, keys=list(cards))
            told += [_shown(card) for key, card in cards.items() if key not in known]
        return told

    def _say(self, person_id: str, told: list[Payload]) -> None:
        for payload in told:
            self._hub.publish(channels.user(person_id), payload)


def _shown(card: Support) -> Payload:
    return Payload.of(card, Tier.SUPPORT)


def _payload(notice: Notice) -> Payload:
    tier = Tier.SUPPORT if notice.kind == "support" else Tier.DURABLE
    return Payload(msgspec.json.encode(notice.frame), tier)
