"""Whether this instance hears of all that is kept anywhere: its own bus brings news, and every other one is heard.

An instance that cannot tell what it keeps cannot tell that by Redis either: it says so in PostgreSQL, each second.
"""

import asyncio
import logging

import asyncpg

from nura_rt.realtime.bus import RedisBus
from nura_rt.store import unheard_instances
from nura_rt.store.pool import UNAVAILABLE, Executor
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_EACH_S = 1.0
_LASTS_S = 5.0
_WITHIN_S = 2.0
_CANARY_BACK_WITHIN_S = 1.0


class Earshot:
    """`watch_for_ever` keeps it true, about three seconds late."""

    def __init__(self, heads: asyncpg.Pool, bus: RedisBus, *, instance: str, counters: Counters) -> None:
        self._heads = heads
        self._bus = bus
        self._instance = instance
        self._counters = counters
        self._has_said = False
        self._others_are_heard = False  # nobody has asked yet

    @property
    def is_whole(self) -> bool:
        """False: PostgreSQL has to be asked, here as long as it lasts."""
        return self._others_are_heard and self._bus.state == "ok"

    @property
    def is_whole_now(self) -> bool:
        """The same without the last moments, in which the bus may have become a black hole that nobody noticed."""
        return self.is_whole and self._bus.lag_s < _CANARY_BACK_WITHIN_S

    async def watch_for_ever(self) -> None:
        """Says in PostgreSQL when we are not heard, and reads there who else is not."""
        while True:
            await asyncio.sleep(_EACH_S)
            try:
                async with asyncio.timeout(_WITHIN_S), self._heads.acquire() as conn:
                    try:
                        await self._look(conn)
                    except BaseException:
                        conn.terminate()  # else giving it back waits for the end of a query that has none
                        raise
            except UNAVAILABLE:  # who cannot be asked keeps nothing by it either: what was found last counts
                self._counters.add("earshot_failed")

    async def _look(self, conn: Executor) -> None:
        if self._bus.is_behind:
            self._counters.add("earshot_unheard")
            self._has_said = True  # also if it may have been
            await unheard_instances.say(conn, self._instance, lasts_s=_LASTS_S)
        elif self._has_said:
            await unheard_instances.take_back(conn, self._instance)
            self._has_said = False
        others_are_heard = not await unheard_instances.any_but(conn, self._instance)
        if others_are_heard and not self._others_are_heard:
            _log.info("bus: all other instances are heard")
        elif self._others_are_heard and not others_are_heard:
            _log.warning("bus: another instance is not heard, the heads are read from PostgreSQL")
        self._others_are_heard = others_are_heard
