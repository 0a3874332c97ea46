"""How often somebody may try: so many in so many seconds per key. The least recent keys are forgotten."""

import time
from collections import OrderedDict
from collections.abc import Callable

from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.rate import Bucket

_REMEMBERED_AT_MOST = 10_000


class Tries:
    """`at_most` tries at once, given back evenly over `within_s` seconds."""

    def __init__(
        self, at_most: int, *, within_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = at_most
        self._per_s = at_most / within_s
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Raises Refusal 429 when the key has used its tries."""
        now = self._clock()
        bucket = self._buckets.pop(key, None) or Bucket(per_s=self._per_s, burst=self._burst, now=now)
        self._buckets[key] = bucket
        if len(self._buckets) > _REMEMBERED_AT_MOST:
            self._buckets.popitem(last=False)
        if wait_s := bucket.take(now):
            raise too_fast(int(wait_s * 1000) + 1)

    def forget(self, key: str) -> None:
        """A success: its failures count no more."""
        self._buckets.pop(key, None)


def too_fast(retry_after_ms: int) -> Refusal:
    """The refusal of one try too many."""
    return Refusal(429, "too-fast", "too many tries; wait a moment", retry_after_ms=retry_after_ms)
