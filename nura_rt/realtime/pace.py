"""How fast one person may write over REST, on one instance: a bucket for each person."""

import time

from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.rate import Buckets, PersonRate


class Pace:
    """`take` before work is done for the person."""

    def __init__(self, *, per_s: float, burst: int, shared: PersonRate | None = None) -> None:
        """`shared`: what these routes write counts with all else that the person writes."""
        self._buckets = Buckets(per_s=per_s, burst=burst)
        self._shared = shared

    def take(self, person_id: str) -> None:
        """Raises Refusal 429, which says when to come again."""
        now = time.monotonic()
        wait_s = self._buckets.take(person_id, now)
        if not wait_s and self._shared is not None:
            wait_s = self._shared.take(person_id, now)
        if wait_s:
            raise Refusal(
                429, "too-fast", "not done: too much at once", retry_after_ms=int(wait_s * 1000) + 1
            )
