"""Shares with their Wilson intervals."""

import math

import msgspec

_Z = 1.959964  # 95 %


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of`."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """1.0 where there was nothing to hit or miss."""
        return self.hits / self.of if self.of else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; (0, 1) where there was nothing."""
        if not self.of:
            return 0.0, 1.0
        square = _Z * _Z
        middle = (self.hits + square / 2) / (self.of + square)
        spread = _Z / (self.of + square)
        spread *= math.sqrt(self.hits * (self.of - self.hits) / self.of + square / 4)
        return max(0.0, middle - spread), min(1.0, middle + spread)

    def __str__(self) -> str:
        """`97.5 % (39/40, 87.1-99.6)`; `-` where there was nothing."""
        if not self.of:
            return "-"
        low, high = self.interval
        return f"{self.value:.1%} ({self.hits}/{self.of}, {low * 100:.1f}-{high * 100:.1f})".replace(
            "%", " %"
        )
