"""Redis keys `session:{session_id}`: copies of sign-ins, so that another instance need not ask PostgreSQL.

Never the truth: a copy that is missing, old, odd or out of reach costs a question to PostgreSQL and nothing else.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nura_rt.cache.breaker import Breaker

AT_MOST_S = 0.15  # what Redis may cost a sign-in before PostgreSQL is asked instead
_ENDED_TTL_S = 120


class Copy(msgspec.Struct, frozen=True):
    """A session as it is kept: authentication state, preferences, device. Times are epoch seconds."""

    user_id: str
    source: str
    signed_in_at: float
    expires_at: float
    last_seen: float
    state: Literal["active", "ended"] = "active"
    device: str | None = None
    named: bool = False  # the device's name is the client's own, not a guess
    ip_prefix: str | None = None
    preferences: dict[str, Any] | None = None  # users.privacy_settings

    def __repr__(self) -> str:
        return "Copy(...)"  # a traceback must not print where somebody is


class SessionCopies:
    """Reads and writes copies; never raises. `redis` None: there is none."""

    def __init__(
        self,
        redis: Redis | None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redis` of client.for_caches; a late retry could bring back what was ended meanwhile."""
        self._redis = redis
        self._clock = clock
        self._breaker = Breaker(monotonic)
        self.reachable = redis is not None  # as far as the last try showed

    async def read(self, session_id: str) -> Copy | None:
        """The copy, if there is a readable one now."""
        key = _key(session_id)
        fields = await self._tried(lambda redis: redis.hgetall(key))
        try:
            return _read(fields) if fields else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    async def write(self, session_id: str, copy: Copy) -> None:
        """Keeps the copy until the session expires."""
        key, ttl_s = _key(session_id), int(copy.expires_at - self._clock())

        def tell(redis: Redis) -> Awaitable[Any]:
            pipe = redis.pipeline()
            pipe.delete(key)
            pipe.hset(key, mapping=_fields(copy))
            pipe.expire(key, ttl_s)
            return pipe.execute()

        if ttl_s > 0:
            await self._tried(tell)

    async def forget(self, session_ids: list[str]) -> None:
        """What the copies say has changed: they are made anew when next seen."""
        if session_ids:
            await self._tried(lambda redis: redis.delete(*map(_key, session_ids)))

    async def end(self, session_ids: list[str]) -> None:
        """The sessions count no more: of each only that is kept, for a while."""

        def tell(redis: Redis) -> Awaitable[Any]:
            pipe = redis.pipeline()
            for key in map(_key, session_ids):
                pipe.delete(key)
                pipe.hset(key, "state", "ended")
                pipe.expire(key, _ENDED_TTL_S)
            return pipe.execute()

        if session_ids:
            await self._tried(tell)

    async def _tried(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self._redis is None or not self._breaker.lets_through():
            return None
        try:
            async with asyncio.timeout(AT_MOST_S):
                answer = await command(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._breaker.failed()
            self.reachable = False
            return None
        self._breaker.worked()
        self.reachable = True
        return answer


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _fields(copy: Copy) -> dict[Any, Any]:
    """Plain text, a number as its digits; only the preferences are JSON."""
    given = {name: value for name in copy.__struct_fields__ if (value := getattr(copy, name)) is not None}
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in given.items()
    }


def _read(fields: Mapping[bytes, bytes]) -> Copy:
    known: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
    if "preferences" in known:
        known["preferences"] = msgspec.json.decode(known["preferences"])
    return msgspec.convert(known, Copy, strict=False)
