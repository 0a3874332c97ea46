"""What a conversation has said lately, for the meaning of what comes next. Pure; holds levels and names, no words."""

from collections.abc import Iterable

import msgspec

from nura_rt.pipeline.turn import LEVELS, CrisisResult, Indicator, Level, rank

TURNS = 24  # of the person that count
_FADES_EVERY = 8  # turns after which a level counts one less
_TOGETHER = 10  # turns within which cues add up
_TREND = 6


class Heard(msgspec.Struct, frozen=True):
    """One earlier turn of the person: its level, and what it said of themselves, present and not denied."""

    level: Level
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, result: CrisisResult) -> "Heard":
        """What is remembered of a turn."""
        return cls(result.level, own_names(result.indicators))


class ConversationState(msgspec.Struct, frozen=True):
    """The person's latest turns, the newest last. `asked`: what the reply after them asked about directly."""

    turns: tuple[Heard, ...] = ()
    asked: frozenset[str] = frozenset()

    @property
    def recent(self) -> Level:
        """The highest level lately; each counts one less for every 8 turns that came after it."""
        ranks = (rank(turn.level) - age // _FADES_EVERY for age, turn in enumerate(reversed(self.turns)))
        return LEVELS[max(ranks, default=0)]

    @property
    def names(self) -> frozenset[str]:
        """What the latest ten turns said; it adds up with what the next one says."""
        return frozenset[str]().union(*(turn.names for turn in self.turns[-_TOGETHER:]))

    def times(self, level: Level) -> int:
        """How many of the latest six turns reached `level`."""
        return sum(rank(turn.level) >= rank(level) for turn in self.turns[-_TREND:])

    def after(self, result: CrisisResult) -> "ConversationState":
        """The state once the person has said what gave `result`."""
        return ConversationState((*self.turns, Heard.of(result))[-TURNS:])

    def after_reply(self, asked: frozenset[str]) -> "ConversationState":
        """The state once a reply has asked that (see `CrisisDetector.asks`)."""
        return ConversationState(self.turns, asked)


def own_names(indicators: Iterable[Indicator]) -> frozenset[str]:
    """Names of what is said of oneself, not denied and not long ago."""
    return frozenset(
        item.name
        for item in indicators
        if item.actor == "self" and item.polarity == "asserted" and item.time != "past"
    )


NOTHING_HEARD = ConversationState()
