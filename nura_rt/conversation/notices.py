"""Notices wait in PostgreSQL until the person takes note: sent at each hello, and again when a first telling may be lost.

A notice is written in the transaction of its cause (`store.batch`, `words`); here it is only told and acknowledged.
"""

import asyncio
import logging

import asyncpg
import msgspec

from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.store import notices
from nura_rt.store.notices import Notice
from nura_rt.store.pool import UNAVAILABLE, as_person
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_AT_MOST = 100
_AGAIN_AT_MOST = 1_000  # people who wait to be told again; beyond it they are told at their next hello
_PAUSE_S = 0.5


class Notices:
    """Reads as the person, writes as the door."""

    def __init__(self, *, people: asyncpg.Pool, door: asyncpg.Pool, hub: Hub, counters: Counters) -> None:
        self._people = people
        self._door = door
        self._hub = hub
        self._counters = counters
        self._again: dict[str, None] = {}
        self._wake = asyncio.Event()

    async def pending(self, person_id: str) -> list[Payload]:
        """What the person has not taken note of, the oldest first: at most the newest hundred."""
        waiting = await notices.pending(self._people, person_id, limit=_AT_MOST)
        return [_payload(notice) for notice in waiting]

    async def acknowledge(self, person_id: str, notice_id: str) -> None:
        """It does not come again; an unknown, another person's or an acknowledged one changes nothing."""
        async with as_person(self._door, person_id) as conn:
            await notices.acknowledge(conn, person_id=person_id, key=notice_id)

    def say_again(self, person_id: str) -> None:
        """Soon the person's devices hear again what still waits. Never blocks."""
        if person_id not in self._again and len(self._again) >= _AGAIN_AT_MOST:
            self._counters.add("notices_not_said_again")
            return
        self._again[person_id] = None
        self._wake.set()

    async def say_for_ever(self) -> None:
        """Tells again whom `say_again` named, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._again:
                person_id = next(iter(self._again))
                try:
                    waiting = await self.pending(person_id)
                except UNAVAILABLE:
                    self._counters.add("notices_failed")
                    await asyncio.sleep(_PAUSE_S)
                    continue
                except Exception:  # a defect here may lose one telling, never end the instance
                    _log.exception("notices: not said again")
                    waiting = []
                self._again.pop(person_id, None)
                for payload in waiting:
                    self._hub.publish(channels.user(person_id), payload)


def _payload(notice: Notice) -> Payload:
    tier = Tier.SUPPORT if notice.kind == "support" else Tier.DURABLE
    return Payload(msgspec.json.encode(notice.frame), tier)
