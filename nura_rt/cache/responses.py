"""Answers of the API, kept in Redis for seconds. Never message text.

A read that begins after `invalidate` returned never gets what was loaded before it. For that a person has
a generation, a random value in Redis: an entry counts only under the one its reader saw before it loaded,
and a write deletes it. So keys may vanish at any time, and a slow reader cannot bring the past back. Two
things can, for the entry's TTL: another instance, while this one cannot tell Redis of a write (it remembers,
and tells it first), and a Redis that comes back from a crash without its last second.
"""

import asyncio
import hashlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from nura_rt.cache import etag
from nura_rt.cache.breaker import Breaker
from nura_rt.telemetry import Counters

Load = Callable[[], Awaitable[bytes]]
Seal = Callable[[str, bytes], Awaitable[bytes]]


class Endpoint(msgspec.Struct, frozen=True):
    """What is kept: the names in its keys, and for how many seconds."""

    service: str
    endpoint: str
    ttl_s: int


# What a sign-in page asks (auth modes) is not here: it is settings, nearer than Redis.
ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        kept.endpoint: kept
        for kept in (
            Endpoint("people", "me", 30),
            Endpoint("people", "service_profiles", 30),
        )
    }
)

LARGEST_BODY = 65_536  # bytes; a larger one is loaded each time
# What Redis may cost a read, before and after its load, and a write; seconds.
LOOK_S, KEEP_S, TELL_S = 0.15, 0.1, 0.25
GENERATION_TTL_S = 7_200  # over the longest TTL above, so that entries outlive no generation
MOST_OWED = 10_000
_OWED_AT_ONCE = 100
_STAMP = 32


class ResponseCache:
    """One per process. `version` tells servers apart whose answers differ (release and schema)."""

    def __init__(
        self,
        redis: Redis,
        counters: Counters,
        *,
        version: str,
        seal: Seal | None = None,
        unseal: Seal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redis` of client.for_caches: with a retry, a generation that was deleted could come back late.
        `seal` and `unseal`, both or neither: `(person id, bytes) -> bytes`; what they raise is a miss."""
        if (seal is None) != (unseal is None):
            raise ValueError("what is sealed must be unsealed too")
        self._redis = redis
        self._counters = counters
        self._version = version
        self._salt = ""
        self._seal = seal
        self._unseal = unseal
        self._breaker = Breaker(clock)
        self._flights: dict[bytes, _Flight] = {}
        self._owed: dict[str, int] = {}  # person -> which write Redis must still hear of
        self._writes = itertools.count()

    @property
    def owed(self) -> int:
        """People whose last write Redis has not heard of."""
        return len(self._owed)

    def hit_rate(self, name: str) -> float | None:
        """The share of reads of endpoint `name` that were spared their load; None before the first."""
        counts = self._counters.snapshot()
        hits, misses = (counts.get(f"cache_{what}_{name}", 0) for what in ("hits", "misses"))
        return hits / (hits + misses) if hits + misses else None

    async def get_or_load(
        self, name: str, *, person_id: str, role: str, path: str, query: bytes, load: Load
    ) -> tuple[bytes, str]:
        """The body of `GET path?query` for this person in this role, and its ETag.

        `query` as ASGI has it. `load` makes the body from nothing but these, PostgreSQL's primary and
        the server's own version; what it raises passes. Without Redis it is called each time.
        """
        kept = ENDPOINTS[name]
        digest = request_hash(self._version + self._salt, person_id, role, path, query)
        key = f"cache:{kept.service}:{kept.endpoint}:{digest.hex()}"
        generation, entry = await self._look(person_id, key)
        if generation is None:
            body = await self._loaded(name, load)
            return body, etag.of(body)
        stamp = hashlib.sha256(digest + generation).digest()
        found = None if entry is None else await self._open(person_id, stamp, entry)
        if found is not None:
            self._counters.add(f"cache_hits_{name}")
            return found, etag.of(found)
        flight = self._flights.get(stamp)
        body = await (
            self._load_and_keep(kept, person_id, key, stamp, load)
            if flight is None
            else self._follow(flight, name, load)
        )
        return body, etag.of(body)

    async def invalidate(self, person_id: str) -> None:
        """Call after each commit that changed what this person reads, before the answer. Never raises:
        where Redis does not hear of it, no read here hits before it does."""
        if len(self._owed) >= MOST_OWED:
            self._owed.clear()
            self._salt = secrets.token_hex(8)  # what is in Redis is no longer ours to hit
        self._owed.pop(person_id, None)
        self._owed[person_id] = next(self._writes)
        await self.settle(person_id)

    @asynccontextmanager
    async def changing(self, person_id: str) -> AsyncIterator[None]:
        """Around a write: `invalidate` after it, also when its end is unknown (a lost commit, a cancel)."""
        try:
            yield
        finally:
            await self.invalidate(person_id)

    async def settle(self, first: str | None = None) -> None:
        """Tell Redis of writes it has not heard of, if it answers; a hundred at a time, `first` among them."""
        owed = self._some_owed(first)
        if owed:
            pipe = self._redis.pipeline(transaction=False)
            pipe.delete(*map(_generation_key, owed))
            if await self._ask(pipe, TELL_S) is not None:
                self._forgive(owed)

    def _some_owed(self, first: str | None) -> dict[str, int]:
        some = dict(itertools.islice(self._owed.items(), _OWED_AT_ONCE))
        return some | {first: self._owed[first]} if first is not None and first in self._owed else some

    def _forgive(self, owed: Mapping[str, int]) -> None:
        for person, write in owed.items():
            if self._owed.get(person) == write:  # else a later one failed meanwhile
                del self._owed[person]

    async def _look(self, person_id: str, key: str) -> tuple[bytes | None, bytes | None]:
        """The person's generation, made where there is none, and the entry, in one round trip.

        The generation is None where Redis does not answer.
        """
        owed = self._some_owed(person_id)
        fresh = secrets.token_bytes(16)  # never a count: after a flush it would begin again
        pipe = self._redis.pipeline(transaction=False)
        if owed:
            pipe.delete(*map(_generation_key, owed))
        pipe.set(_generation_key(person_id), fresh, ex=GENERATION_TTL_S, nx=True, get=True)
        pipe.get(key)
        replies = await self._ask(pipe, LOOK_S)
        if replies is None:
            return None, None
        self._forgive(owed)
        return replies[-2] or fresh, replies[-1]

    async def _load_and_keep(
        self, kept: Endpoint, person_id: str, key: str, stamp: bytes, load: Load
    ) -> bytes:
        flight = self._flights[stamp] = _Flight()
        try:
            body = flight.body = await self._loaded(kept.endpoint, load)
            flight.landed.set()
            if len(body) <= LARGEST_BODY:
                await self._keep(kept, person_id, key, stamp + body)
            return body
        finally:
            flight.landed.set()
            del self._flights[stamp]

    async def _follow(self, flight: "_Flight", name: str, load: Load) -> bytes:
        """The body another request of the same generation is loading; one's own where that one failed."""
        await flight.landed.wait()
        if flight.body is None:
            return await self._loaded(name, load)
        self._counters.add(f"cache_hits_{name}")
        return flight.body

    async def _loaded(self, name: str, load: Load) -> bytes:
        self._counters.add(f"cache_misses_{name}")
        return await load()

    async def _keep(self, kept: Endpoint, person_id: str, key: str, content: bytes) -> None:
        if self._seal is not None:
            try:
                content = await self._seal(person_id, content)
            except Exception:  # whatever it is, the answer is there already
                self._counters.add("cache_errors")
                return
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(key, content, ex=kept.ttl_s)
        await self._ask(pipe, KEEP_S)

    async def _open(self, person_id: str, stamp: bytes, entry: bytes) -> bytes | None:
        """The body of an entry made for exactly this request and generation, else None."""
        if self._unseal is not None:
            try:
                entry = await self._unseal(person_id, entry)
            except Exception:  # sealed with another key, or meddled with: as if it were not there
                self._counters.add("cache_errors")
                return None
        return entry[_STAMP:] if entry[:_STAMP] == stamp else None

    async def _ask(self, pipe: Pipeline, patience_s: float) -> list[Any] | None:
        """The replies; None where Redis fails or takes longer, or lately did."""
        if not self._breaker.lets_through():
            return None
        try:
            async with asyncio.timeout(patience_s):
                replies = await pipe.execute()
        except (RedisError, OSError):  # TimeoutError is an OSError
            self._breaker.failed()
            self._counters.add("cache_errors")
            return None
        self._breaker.worked()
        return replies


class _Flight:
    """A load under way. `body` stays None where it failed."""

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.body: bytes | None = None


def request_hash(version: str, person_id: str, role: str, path: str, query: bytes) -> bytes:
    """SHA-256 over each part with its length before it; the query's fields sorted by name.

    Fields stay as they were sent: what two spellings mean is for the route to say, not for us.
    """
    fields = sorted(
        filter(None, query.split(b"&")), key=_field_name
    )  # stable: values of one name keep theirs
    parts = [*(part.encode() for part in (version, person_id, role, path)), *fields]
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def _field_name(field: bytes) -> str:
    return unquote_plus(field.partition(b"=")[0].decode("latin-1"))


def _generation_key(person_id: str) -> str:
    return f"cache-generation:{person_id}"
