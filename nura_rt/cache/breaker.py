"""Keeps requests from paying for a Redis that is known to be away.

While it is away one caller at a time may try, after pauses that double; the first success lets all through.
"""

from collections.abc import Callable

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 8.0


class Breaker:
    """Ask before each try, tell what came of it. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pause_s = 0.0  # 0: all go through
        self._until = 0.0

    def lets_through(self) -> bool:
        """Whether to try. After a pause the first to ask may, and the pause begins anew, twice as long."""
        if self._pause_s == 0:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._until = now + self._pause_s
        return True

    def failed(self) -> None:
        """A try failed."""
        if self._pause_s == 0:
            self._pause_s = _FIRST_PAUSE_S
            self._until = self._clock() + _FIRST_PAUSE_S

    def worked(self) -> None:
        """A try worked."""
        self._pause_s = 0.0
