"""Wilson's interval against known values and its own laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.quality.shares import Share


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),  # checked against statsmodels' proportion_confint(method="wilson")
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (8, 10, 0.4902, 0.9433), (150, 1000, 0.1293, 0.1734)],
)
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert Share(hits, of).interval == pytest.approx((low, high), abs=5e-4)


@given(st.integers(0, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_share_lies_in_its_interval(pair: tuple[int, int]) -> None:
    share = Share(*pair)
    low, high = share.interval

    assert 0.0 <= low <= high <= 1.0
    assert not share.of or low - 1e-9 <= share.value <= high + 1e-9


def test_a_share_of_nothing_says_so() -> None:
    assert str(Share(0, 0)) == "-"
    assert str(Share(39, 40)) == "97.5 % (39/40, 87.1-99.6)"
