"""One who reads through a response cache, and the truth behind it."""

import asyncio

from redis.asyncio import Redis

from nura_rt.cache.responses import ResponseCache
from nura_rt.telemetry import Counters


class Reader:
    """An instance's cache before a database that holds one `value`; `loads` counts how often it was asked."""

    def __init__(
        self,
        redis: Redis,
        *,
        version: str = "1",
        counters: Counters | None = None,
        loads: "Reader | None" = None,
    ) -> None:
        self.redis = redis
        self.counters = counters or Counters()
        self.cache = ResponseCache(redis, self.counters, version=version, clock=self._now)
        self.value = 0
        self.body: bytes | None = None
        self.now = 0.0
        self.loading = asyncio.Event()
        self.go = asyncio.Event()
        self._shared = loads or self
        self._loads = 0

    @property
    def loads(self) -> int:
        """How often the database was asked."""
        return self._loads

    async def read(
        self,
        *,
        name: str = "me",
        person_id: str = "ada",
        role: str = "authenticated",
        path: str = "/v1/me",
        query: bytes = b"",
    ) -> tuple[bytes, str]:
        """One GET."""

        async def load() -> bytes:
            return self._load(person_id)

        return await self.cache.get_or_load(
            name, person_id=person_id, role=role, path=path, query=query, load=load
        )

    async def held(self, *, fail: bool = False) -> tuple[bytes, str]:
        """A GET of Ada's whose load reads at once, says so, and ends with `go`."""

        async def load() -> bytes:
            body = self._load("ada")
            self.loading.set()
            await self.go.wait()
            if fail:
                raise LookupError
            return body

        return await self.cache.get_or_load(
            "me", person_id="ada", role="authenticated", path="/v1/me", query=b"", load=load
        )

    def _load(self, person_id: str) -> bytes:
        self._shared._loads += 1
        return f"{person_id} {self.value}".encode() if self.body is None else self.body

    def _now(self) -> float:
        return self.now
