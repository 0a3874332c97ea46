"""Token buckets: so many at once, so many a second. The clock is the caller's, and no `take` waits for anything."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from nura_rt.cache.rates import Rates

_KEYS_AT_MOST = 10_000
_SETTLED_AT_ONCE = 500
_APART_S = 0.05  # between two pipelines: each takes what came meanwhile


class Bucket:
    """Allows `burst` at once and `per_s` a second after that."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, *, per_s: float, burst: int, now: float) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._left = float(burst)
        self._at = now

    def take(self, now: float) -> float:
        """0.0 when one was taken, else the seconds until one will be there (and nothing was taken)."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = max(self._at, now)
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_s


class Buckets:
    """A bucket for each key. Beyond 10,000 keys the one used least recently is forgotten."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """As `Bucket.take`, for this key."""
        bucket = self._buckets.pop(key, None) or Bucket(per_s=self._per_s, burst=self._burst, now=now)
        self._buckets[key] = bucket
        if len(self._buckets) > _KEYS_AT_MOST:
            self._buckets.popitem(last=False)
        return bucket.take(now)


class PersonRate:
    """How fast one person may write: all sockets, REST and all instances together. Nobody waits for Redis.

    `take` decides at once by a bucket of this instance; `run` is the task that charges what it gave out to the
    person's bucket in Redis. When that is overdrawn, this instance gives out nothing until it is not. So on k
    instances a person may once take up to k bursts before the first answer, and pays them back; in the long run
    `per_s` holds. While Redis is away, each instance counts alone.
    """

    def __init__(
        self, rates: Rates, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`rates` has the same `per_s` and `burst`; `clock` is what callers pass as `now`."""
        self._rates = rates
        self._clock = clock
        self._buckets = Buckets(per_s=per_s, burst=burst)
        self._unsettled: dict[str, int] = {}
        self._shut_until: dict[str, float] = {}
        self._ready = asyncio.Event()

    def take(self, person_id: str, now: float) -> float:
        """0.0 when the person may write once now, else the seconds to wait (and nothing was taken)."""
        if self._shut_until and (shut_until := self._shut_until.get(person_id)) is not None:
            if now < shut_until:
                return shut_until - now
            del self._shut_until[person_id]
        if wait_s := self._buckets.take(person_id, now):
            return wait_s
        if person_id in self._unsettled or len(self._unsettled) < _KEYS_AT_MOST:
            self._unsettled[person_id] = self._unsettled.get(person_id, 0) + 1
            self._ready.set()
        return 0.0

    async def run(self) -> None:
        """Settles for ever. What Redis does not take is not charged again."""
        while True:
            await self._ready.wait()
            await self.settle()
            await asyncio.sleep(_APART_S)
            if not self._unsettled:
                self._ready.clear()

    async def settle(self) -> None:
        """Charges what was taken until now, some hundreds of people at a time."""
        taken = dict(islice(self._unsettled.items(), _SETTLED_AT_ONCE))
        for person_id in taken:
            del self._unsettled[person_id]
        waits = await self._rates.settle(taken) if taken else None
        now = self._clock()
        for person_id, wait_s in (waits or {}).items():
            if wait_s > 0:
                self._shut(person_id, now + wait_s)

    def _shut(self, person_id: str, until: float) -> None:
        self._shut_until.pop(person_id, None)
        if len(self._shut_until) >= _KEYS_AT_MOST:
            del self._shut_until[next(iter(self._shut_until))]
        self._shut_until[person_id] = until
