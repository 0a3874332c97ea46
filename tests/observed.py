"""Real parts under observation: a pool that counts, and a clock that is moved by hand."""

from typing import Any

import asyncpg


class Counted:
    """A pool that counts what it is asked."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("fetch", "fetchrow", "fetchval", "execute", "acquire"):
            self.asked += 1
        return getattr(self._pool, name)


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
