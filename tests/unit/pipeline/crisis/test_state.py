"""What is remembered of a conversation: the newest turns, fading slowly, and nothing that was denied or long ago."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.state import NOTHING_HEARD, TURNS, ConversationState, Heard
from nura_rt.pipeline.turn import LEVELS, Actor, CrisisResult, Indicator, Level, Polarity, When, rank

levels = st.lists(st.sampled_from(LEVELS), max_size=60)


def _quiet(count: int) -> list[Level]:
    return ["none"] * count


def after(*turns: Level) -> ConversationState:
    state = NOTHING_HEARD
    for level in turns:
        state = state.after(CrisisResult(level, (), "v"))
    return state


@pytest.mark.parametrize(
    ("quiet", "recent"),
    [(0, "critical"), (7, "critical"), (8, "high"), (16, "moderate"), (23, "moderate"), (24, "none")],
)
def test_a_level_fades_by_one_for_every_eight_turns(quiet: int, recent: Level) -> None:
    assert after("critical", *_quiet(quiet)).recent == recent


@given(levels)
def test_at_most_the_newest_turns_are_remembered(turns: list[Level]) -> None:
    state = after(*turns)

    assert [turn.level for turn in state.turns] == turns[-TURNS:]
    assert rank(state.recent) <= max(map(rank, turns), default=0)
    assert not turns or rank(state.recent) >= rank(turns[-1])


@given(levels, st.sampled_from(LEVELS))
def test_one_more_turn_fades_what_was_by_at_most_one(turns: list[Level], level: Level) -> None:
    before = after(*turns)

    assert rank(before.after(CrisisResult(level, (), "v")).recent) >= rank(before.recent) - 2


@pytest.mark.parametrize(
    ("actor", "polarity", "time", "kept"),
    [
        ("self", "asserted", "now", True),
        ("self", "asserted", "future", True),
        ("self", "asserted", "past", False),
        ("self", "negated", "now", False),
        ("other", "asserted", "now", False),
        ("third_party", "asserted", "now", False),
    ],
)
def test_only_what_is_said_of_oneself_now_adds_up(
    actor: Actor, polarity: Polarity, time: When, kept: bool
) -> None:
    found = CrisisResult("low", (Indicator("means", "low", "r", actor, polarity, time),), "v")

    assert NOTHING_HEARD.after(found).names == ({"means"} if kept else set())


def test_cues_are_forgotten_after_ten_turns() -> None:
    state = ConversationState((Heard("low", frozenset({"means"})),))
    for _ in range(10):
        state = state.after(CrisisResult("none", (), "v"))

    assert state.names == frozenset()


def test_the_next_turn_answers_the_question() -> None:
    asked = after("low").after_reply(frozenset({"active_ideation"}))

    assert asked.asked == {"active_ideation"}
    assert asked.after(CrisisResult("none", (), "v")).asked == frozenset()
