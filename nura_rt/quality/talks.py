"""Screens whole talks as the server does: each turn of the person in the light of what came before."""

from collections.abc import Sequence

import msgspec

from nura_rt.pipeline.crisis.state import NOTHING_HEARD
from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import Indicator, Level, PiiSpan, rank
from nura_rt.quality.cases import Turn


class Screening(msgspec.Struct, frozen=True):
    """What was found. `level`: of the talk after its last turn, lately said worse things included, fading slowly.

    Indicators are those of all the person's turns; sentiment, pii and processed those of the last one.
    """

    level: Level
    indicators: tuple[Indicator, ...]
    requires_intervention: bool
    sentiment: float
    pii: tuple[PiiSpan, ...]
    processed: str
    version: str


def screen(pipeline: Pipeline, turns: Sequence[Turn]) -> Screening:
    """`turns` in order; a talk without the person's words has found nothing."""
    state, placeholders = NOTHING_HEARD, Placeholders()
    indicators: dict[Indicator, None] = {}
    last = pipeline.screen("")
    for turn in turns:
        if turn.role == "user":
            last = pipeline.screen(turn.text, Before(state, placeholders=placeholders))
            placeholders = last.placeholders or placeholders
            state = state.after(last.crisis)
            indicators |= dict.fromkeys(last.crisis.indicators)
        elif turn.role == "assistant":
            state = state.after_reply(pipeline.asks(turn.text))
    level = max(last.crisis.level, state.recent, key=rank)
    return Screening(
        level=level,
        indicators=tuple(indicators),
        requires_intervention=rank(level) >= rank("high"),
        sentiment=last.sentiment,
        pii=last.pii,
        processed=last.processed,
        version=last.crisis.version,
    )
