"""A pool of connections that are young and answer: asyncpg's neither ages them nor doubts an idle one.

One past its age ends when it is given back, never in use; a dead one is replaced before it is lent.
"""

import sys
import time
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

_SHRINK_AFTER_S = 300.0  # what a burst opened above the smallest size is closed after this idle time
_PING_WITHIN_S = 2.0
_CLOSE_WITHIN_S = 2.0
_FREE_WITHIN_S = 5.0  # whoever waits longer for a connection is told so: the others must not wait behind


class Connection(asyncpg.Connection):
    """One that knows when it was made and last given back (seconds of the monotonic clock)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.born = self.used = time.monotonic()


class RecyclingPool(asyncpg.Pool):
    """Lends like asyncpg's. `connect` is what `asyncpg.connect` takes beside the address."""

    def __init__(
        self,
        dsn: str,
        connection_class: type[Connection],
        *,
        smallest: int,
        largest: int,
        max_age_s: float,
        ping_after_s: float,
        **connect: Any,
    ) -> None:
        super().__init__(
            dsn,
            min_size=smallest,
            max_size=largest,
            max_queries=sys.maxsize,  # age ends a connection, not use
            max_inactive_connection_lifetime=_SHRINK_AFTER_S,
            loop=None,
            connection_class=connection_class,
            record_class=asyncpg.Record,
            reset=self._given_back,
            **connect,
        )
        self._max_age_s = max_age_s
        self._ping_after_s = ping_after_s
        self._found_dead_at = 0.0

    async def _acquire(self, timeout: float | None) -> PoolConnectionProxy:  # noqa: ASYNC109 - asyncpg's own
        """asyncpg's one way to lend: `acquire` and every query on the pool itself end here."""
        while True:
            lent: PoolConnectionProxy = await super()._acquire(_FREE_WITHIN_S if timeout is None else timeout)  # type: ignore[misc]  # not in the stubs
            if await self._answers(lent):
                return lent

    async def _answers(self, lent: Any) -> bool:
        """Whether it may be used; a dead one is ended, which gives its place back to the pool."""
        now = time.monotonic()
        if now - lent.used < self._ping_after_s:
            return True
        try:
            # Where one idle connection died silently, those idle since before it did too: none is waited for.
            if lent.used >= self._found_dead_at:
                await lent.execute("SELECT 1", timeout=_PING_WITHIN_S)
                return True
        except Exception:  # whatever it says: it is not fit to be lent
            self._found_dead_at = now
        except BaseException:
            lent.terminate()
            raise
        lent.terminate()
        return False

    async def _given_back(self, connection: Connection) -> None:
        """Instead of asyncpg's reset query, a hidden round trip: no session state is ever made."""
        connection.used = time.monotonic()
        if connection.used - connection.born > self._max_age_s:
            with suppress(Exception):  # it is gone either way
                await connection.close(timeout=_CLOSE_WITHIN_S)
