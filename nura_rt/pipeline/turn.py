"""Values that the screening stages hand on. A crisis level can be raised, never lowered: see `merge`."""

from typing import Literal

import msgspec

from nura_rt.pipeline.placeholders import Placeholders

Level = Literal["none", "low", "moderate", "high", "critical"]
Actor = Literal["self", "other", "third_party"]
Polarity = Literal["asserted", "negated"]
When = Literal["now", "past", "future"]

LEVELS: tuple[Level, ...] = ("none", "low", "moderate", "high", "critical")
_RANKS: dict[Level, int] = {level: place for place, level in enumerate(LEVELS)}


def rank(level: Level) -> int:
    """Place of `level` in `LEVELS`: 0 (none) to 4 (critical)."""
    return _RANKS[level]


class PiiSpan(msgspec.Struct, frozen=True):
    """One detected value: half-open code point range of the raw text."""

    type: str
    start: int
    end: int


class Indicator(msgspec.Struct, frozen=True):
    """Why a level was given. `actor`: self = the writer, other = who acts on or is addressed by
    the writer, third_party = somebody else the words are about."""

    name: str
    level: Level
    rule: str
    actor: Actor
    polarity: Polarity
    time: When


class CrisisResult(msgspec.Struct, frozen=True):
    """What a tier of detection found. `version` names the rule files, for the audit trail."""

    level: Level
    indicators: tuple[Indicator, ...]
    version: str

    @property
    def requires_intervention(self) -> bool:
        """True from level high on: the support card goes out before the reply."""
        return rank(self.level) >= rank("high")

    def merge(self, other: "CrisisResult") -> "CrisisResult":
        """Both findings together: the higher level, every indicator once."""
        extra = tuple(found for found in other.indicators if found not in self.indicators)
        versions = self.version.split("+")
        versions += [part for part in other.version.split("+") if part not in versions]
        return CrisisResult(
            level=max(self.level, other.level, key=rank),
            indicators=self.indicators + extra,
            version="+".join(versions),
        )


class Screened(msgspec.Struct, frozen=True):
    """One utterance after screening. `text` is raw; only `processed` may leave the house.

    `sentiment` is in [-1, 1] and never gates crisis. `placeholders`: the conversation's, if new ones are among them.
    """

    text: str
    processed: str
    pii: tuple[PiiSpan, ...]
    crisis: CrisisResult
    sentiment: float
    placeholders: Placeholders | None = None
