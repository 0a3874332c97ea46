"""Reads that may be served by a replica, never one that lacks what was committed before the read was asked for.

Every instance and every writer counts: the primary's log position (LSN) is asked after the read arrived, and
the replica is read only once it has replayed that far. Runs as the app.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

T = TypeVar("T")

_CATCH_UP_S = 0.05  # a replica that needs longer is slower than asking the primary
_ASK_AGAIN_S = 0.01
_WITHIN_S = 1.0
_READ_WITHIN_S = 5.0
_REST_S = 5.0  # a dead or distant replica is left alone this long
# A standby cancels a query that stands in the way of replay; the primary will answer it.
_FAILED_THERE = (*UNAVAILABLE, asyncpg.SerializationError, asyncpg.ReadOnlySQLTransactionError)


class Reads:
    """Sends history, search and export to the replica when it is fresh enough, else to the primary."""

    def __init__(
        self,
        primary: asyncpg.Pool,
        replica: asyncpg.Pool | None,
        *,
        max_lag_s: float,
        counters: Counters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._max_lag_s = max_lag_s
        self._counters = counters
        self._clock = clock
        self._rests_until = 0.0

    async def run(self, query: Callable[[asyncpg.Pool], Awaitable[T]]) -> T:
        """What `query` returns; it may be called a second time, on the primary, after failing on the replica."""
        replica = self._replica
        if replica is None or self._clock() < self._rests_until:
            return await query(self._primary)
        try:
            async with asyncio.timeout(_WITHIN_S):
                fresh = await self._has_caught_up(replica)
            if fresh:
                async with asyncio.timeout(_READ_WITHIN_S):
                    found = await query(replica)
                self._counters.add("replica_reads")
                return found
        except _FAILED_THERE:
            self._rests_until = self._clock() + _REST_S
            self._counters.add("replica_failed")
        return await query(self._primary)

    async def _has_caught_up(self, replica: asyncpg.Pool) -> bool:
        wanted = await _primary_lsn(self._primary)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CATCH_UP_S
        while True:
            replayed, behind_s = await _replayed(replica, wanted)
            if replayed:
                return True
            if behind_s > self._max_lag_s:
                self._rests_until = self._clock() + _REST_S
            if behind_s > self._max_lag_s or loop.time() > deadline:
                self._counters.add("replica_behind")
                return False
            await asyncio.sleep(_ASK_AGAIN_S)


async def _primary_lsn(primary: asyncpg.Pool) -> str:
    """Where the primary's log stands now; whatever was committed before is below it. Runs as the app."""
    lsn: str = await primary.fetchval("SELECT pg_current_wal_lsn()::text")
    return lsn


async def _replayed(replica: asyncpg.Pool, lsn: str) -> tuple[bool, float]:
    """Has the replica replayed as far as `lsn`, and how many seconds ago was what it replayed last committed."""
    row = await replica.fetchrow(
        """
        SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false) AS replayed,
               coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0)::float8 AS behind_s
        """,
        lsn,
    )
    assert row is not None
    return row["replayed"], row["behind_s"]
