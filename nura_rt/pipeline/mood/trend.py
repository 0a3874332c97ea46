"""How a person's mood moves over their messages: two running averages and which way they lean.

Pure and small enough to be stored with the person; every value stays in [-1, 1].
"""

import math
from typing import Literal

import msgspec

Direction = Literal["rising", "steady", "falling"]

HALF_LIFE = 20.0  # messages after which an old one counts half
_FAST_HALF_LIFE = 5.0
_LEAN = 0.2  # the two averages closer than this: steady; no single message leans more
_FEWEST = 5  # with fewer messages nothing is said about the direction


class Trend(msgspec.Struct, frozen=True):
    """What is known after `count` messages; start with `Trend()`."""

    value: float = 0.0  # the slow average
    fast: float = 0.0
    count: int = 0

    def after(self, score: float) -> "Trend":
        """With one more message of this score; scores outside [-1, 1] are clamped, what is no number is passed over."""
        if math.isnan(score):
            return self
        score = max(-1.0, min(1.0, score))
        count = self.count + 1
        return Trend(
            _moved(self.value, score, count, HALF_LIFE),
            _moved(self.fast, score, count, _FAST_HALF_LIFE),
            count,
        )

    @property
    def direction(self) -> Direction:
        """Where the last few messages lie against the many before them."""
        lean = self.fast - self.value
        if self.count < _FEWEST or abs(lean) < _LEAN:
            return "steady"
        return "rising" if lean > 0 else "falling"


def _moved(average: float, score: float, count: int, half_life: float) -> float:
    """A plain mean until that moves less than the half-life asks for, so that no start value lingers."""
    share = max(1.0 / count, 1.0 - math.pow(0.5, 1.0 / half_life))
    return max(-1.0, min(1.0, average + share * (score - average)))
