"""Merging two results can only raise the level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.turn import LEVELS, CrisisResult, Indicator, rank

indicators = st.builds(
    Indicator,
    name=st.sampled_from(["a", "b"]),
    level=st.sampled_from(LEVELS),
    rule=st.sampled_from(["r1", "r2"]),
    actor=st.sampled_from(["self", "other", "third_party"]),
    polarity=st.sampled_from(["asserted", "negated"]),
    time=st.sampled_from(["now", "past", "future"]),
)
results = st.builds(
    CrisisResult,
    level=st.sampled_from(LEVELS),
    indicators=st.lists(indicators, max_size=4, unique=True).map(tuple),
    version=st.sampled_from(["en-1", "en-1+es-1", "model-2"]),
)


@given(one=results, two=results)
def test_a_merge_has_the_higher_level_and_loses_no_indicator(one: CrisisResult, two: CrisisResult) -> None:
    merged = one.merge(two)

    assert rank(merged.level) == max(rank(one.level), rank(two.level))
    assert set(merged.indicators) == set(one.indicators) | set(two.indicators)


@given(one=results, two=results)
def test_merging_the_same_result_twice_changes_nothing_more(one: CrisisResult, two: CrisisResult) -> None:
    once = one.merge(two)

    assert once.merge(two) == once


@pytest.mark.parametrize(
    ("level", "needed"),
    [("none", False), ("low", False), ("moderate", False), ("high", True), ("critical", True)],
)
def test_intervention_is_required_from_high_on(level: str, needed: bool) -> None:
    result = CrisisResult(level, (), "v")  # type: ignore[arg-type]

    assert result.requires_intervention is needed


def test_levels_are_in_rising_order() -> None:
    ranks = [rank(level) for level in LEVELS]

    assert ranks == [0, 1, 2, 3, 4]
