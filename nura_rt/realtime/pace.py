"""How fast one person may write over REST, on one instance: a bucket for each person."""

import time

from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.rate import Buckets


class Pace:
    """`take` before work is done for the person."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._buckets = Buckets(per_s=per_s, burst=burst)

    def take(self, person_id: str) -> None:
        """Raises Refusal 429, which says when to come again."""
        if wait_s := self._buckets.take(person_id, time.monotonic()):
            raise Refusal(
                429, "too-fast", "not done: too much at once", retry_after_ms=int(wait_s * 1000) + 1
            )
