"""Whether this instance hears of all that is kept anywhere: its own bus brings news, and every other one is heard.

An instance that Redis takes nothing from cannot tell the others by Redis, so it says it in PostgreSQL each second.
"""

import asyncio
import logging
from typing import Protocol

import asyncpg

from nura_rt.store import unheard_instances
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_EACH_S = 1.0
_LASTS_S = 5.0
_WITHIN_S = 2.0


class Voice(Protocol):
    """What this instance tells the others by (the bus)."""

    @property
    def is_heard(self) -> bool:
        """Whether what it says comes back to it."""


class Earshot:
    """`watch_for_ever` keeps it true, about three seconds late."""

    def __init__(self, heads: asyncpg.Pool, bus: Voice, *, instance: str, counters: Counters) -> None:
        self._heads = heads
        self._bus = bus
        self._instance = instance
        self._counters = counters
        self._others_are_heard = True

    @property
    def is_whole(self) -> bool:
        """False: PostgreSQL has to be asked, here as long as it lasts."""
        return self._bus.is_heard and self._others_are_heard

    async def watch_for_ever(self) -> None:
        """Says in PostgreSQL when we are not heard, and reads there who else is not."""
        while True:
            await asyncio.sleep(_EACH_S)
            try:
                async with asyncio.timeout(_WITHIN_S):
                    await self._look()
            except UNAVAILABLE:  # who cannot be asked keeps nothing by it either: what was found last counts
                self._counters.add("earshot_failed")

    async def _look(self) -> None:
        if not self._bus.is_heard:
            self._counters.add("earshot_unheard")
            await unheard_instances.say(self._heads, self._instance, lasts_s=_LASTS_S)
        others_are_heard = not await unheard_instances.any_but(self._heads, self._instance)
        if others_are_heard != self._others_are_heard:
            _log.warning("bus: another instance is %s", "heard again" if others_are_heard else "not heard")
        self._others_are_heard = others_are_heard
