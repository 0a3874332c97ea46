"""A mood trend moves at the speed of its half-life, stays in range and can be stored."""

import math
from functools import reduce

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.mood.trend import HALF_LIFE, Direction, Trend

scores = st.floats(-1, 1)


def after(*given_scores: float, start: Trend | None = None) -> Trend:
    return reduce(Trend.after, given_scores, start or Trend())


@pytest.mark.parametrize(
    ("given_scores", "direction"),
    [
        ([], "steady"),
        ([1.0], "steady"),
        ([0.5] * 30, "steady"),
        ([0.0, 0.1, -0.1] * 10, "steady"),
        ([-0.6] * 20 + [0.6] * 6, "rising"),
        ([0.6] * 20 + [-0.6] * 6, "falling"),
        ([-0.9] * 20 + [-0.3] * 6, "rising"),
        ([0.8] * 30 + [-0.8], "steady"),
        ([-0.6] * 20 + [0.6] * 200, "steady"),
    ],
)
def test_the_direction_is_that_of_the_last_messages_against_all_before(
    given_scores: list[float], direction: Direction
) -> None:
    trend = after(*given_scores)

    assert trend.direction == direction


def test_the_first_messages_are_a_plain_mean() -> None:
    assert after(0.2, 0.4, 0.9).value == pytest.approx(0.5)


@pytest.mark.parametrize("messages", [1, 2, 3])
def test_after_a_half_life_an_old_mood_counts_half(messages: int) -> None:
    settled = Trend(value=1.0, fast=1.0, count=1000)

    trend = after(*[0.0] * int(HALF_LIFE) * messages, start=settled)

    assert trend.value == pytest.approx(0.5**messages, abs=0.001)


@given(scores, st.integers(1, 300))
def test_a_constant_mood_is_its_own_average(score: float, messages: int) -> None:
    trend = after(*[score] * messages)

    assert trend.value == pytest.approx(score)
    assert trend.direction == "steady"


@given(st.lists(scores, min_size=1, max_size=60), scores)
def test_a_constant_mood_wins_over_any_past(past: list[float], score: float) -> None:
    trend = after(*past, *[score] * 300)

    assert trend.value == pytest.approx(score, abs=0.01)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80))
def test_every_average_stays_in_range_whatever_comes(given_scores: list[float]) -> None:
    trend = after(*given_scores)

    assert -1.0 <= trend.value <= 1.0
    assert -1.0 <= trend.fast <= 1.0
    assert trend.count == sum(not math.isnan(score) for score in given_scores)


@given(st.lists(scores, max_size=30), scores)
def test_a_brighter_message_never_lowers_the_trend(past: list[float], score: float) -> None:
    trend = after(*past)

    assert trend.after(1.0).value >= trend.after(score).value


@given(st.lists(scores, max_size=20))
def test_a_trend_survives_being_stored(past: list[float]) -> None:
    trend = after(*past)

    assert msgspec.json.decode(msgspec.json.encode(trend), type=Trend) == trend
