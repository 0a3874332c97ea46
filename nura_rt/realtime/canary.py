"""A small message to oneself, each second: what does not come back shows that nothing else arrives either."""

import time
from collections import deque
from collections.abc import Callable

_REMEMBERED = 120  # only the oldest that is missing counts


class Canary:
    """Numbers those sent on `channel` and knows since when one is missing."""

    def __init__(self, channel: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.channel = channel
        self._clock = clock
        self._number = 0
        self._out: deque[tuple[int, float]] = deque()
        self._excused_until = clock()

    def fly(self) -> int:
        """The number of the next one, which counts as missing from now on."""
        self._number += 1
        if len(self._out) < _REMEMBERED:
            self._out.append((self._number, self._clock()))
        return self._number

    def seen(self, number: int) -> None:
        """It came back; those before it will not come any more, and need not."""
        while self._out and self._out[0][0] <= number:
            self._out.popleft()

    def excuse(self) -> None:
        """Nothing could come back until now: Redis itself did not answer."""
        self._excused_until = self._clock()

    @property
    def lag_s(self) -> float:
        """How long the oldest missing one has been out; 0 when none is."""
        return self._clock() - self._out[0][1] if self._out else 0.0

    @property
    def overdue_s(self) -> float:
        """The same, but only the time in which it could have come back."""
        return min(self.lag_s, self._clock() - self._excused_until)
