"""Who used which service, gathered in memory and written now and then: figures, so a crash may lose half a minute."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg

from nura_rt.store import service_usage
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.store.service_usage import Use
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_EVERY_S = 30.0
_LAST_WITHIN_S = 1.0
_PEOPLE_AT_MOST = 10_000  # beyond it nobody new is counted until the next write


def _now() -> datetime:
    return datetime.now(UTC)


class Usage:
    """`note` costs nothing; `flush` writes one statement for everybody."""

    def __init__(self, work: asyncpg.Pool, counters: Counters, clock: Callable[[], datetime] = _now) -> None:
        self._work = work
        self._counters = counters
        self._clock = clock
        self._uses: dict[tuple[str, str], tuple[int, datetime]] = {}

    def note(self, person_id: str, service_type: str) -> None:
        """One more use, now."""
        key = (person_id, service_type)
        if key in self._uses or len(self._uses) < _PEOPLE_AT_MOST:
            self._uses[key] = (self._uses.get(key, (0,))[0] + 1, self._clock())

    async def flush(self) -> None:
        """Writes what was gathered; on a database that does not answer it is kept for the next time."""
        taken, self._uses = self._uses, {}
        uses = [Use(person, service, count, at) for (person, service), (count, at) in taken.items()]
        if not uses:
            return
        try:
            await self._write(uses)
        except UNAVAILABLE:
            self._counters.add("usage_failed")
            for key, (count, at) in taken.items():
                newer = self._uses.get(key, (0, at))
                self._uses[key] = (newer[0] + count, max(newer[1], at))

    async def flush_for_ever(self) -> None:
        """Every half minute, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.flush()
            except Exception:  # a defect here may lose figures, never end the instance
                _log.exception("usage: not written")

    async def flush_at_the_end(self) -> None:
        """The last figures of an instance that stops, if the database takes them quickly."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WITHIN_S):
                await self.flush()

    async def _write(self, uses: list[Use]) -> None:
        try:
            await service_usage.note(self._work, uses)
        except asyncpg.ForeignKeyViolationError:  # somebody was erased meanwhile: the others still count
            if len(uses) > 1:
                for use in uses:
                    await self._write([use])
