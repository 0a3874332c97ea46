"""A token bucket: so many at once, so many a second. The clock is the caller's."""

from collections import OrderedDict

_KEYS_AT_MOST = 10_000


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
