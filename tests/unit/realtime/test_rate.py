"""The token bucket: never more than the burst plus what time has given."""

from hypothesis import given
from hypothesis import strategies as st

from nura_rt.realtime.rate import Bucket

steps = st.lists(st.floats(0, 2), max_size=60)


def test_a_burst_is_allowed_and_then_one_at_a_time() -> None:
    bucket = Bucket(per_s=2, burst=3, now=100.0)

    waits = [bucket.take(now) for now in (100.0, 100.0, 100.0, 100.0, 100.5, 100.5)]

    assert waits == [0.0, 0.0, 0.0, 0.5, 0.0, 0.5]


def test_a_refused_one_costs_nothing() -> None:
    bucket = Bucket(per_s=1, burst=1, now=0.0)
    bucket.take(0.0)

    waits = [bucket.take(0.25), bucket.take(0.5), bucket.take(1.0)]

    assert waits == [0.75, 0.5, 0.0]


def test_rest_gives_back_no_more_than_the_burst() -> None:
    bucket = Bucket(per_s=10, burst=2, now=0.0)

    waits = [bucket.take(1000.0) for _ in range(3)]

    assert waits == [0.0, 0.0, 0.1]


def test_a_clock_that_goes_back_gives_nothing_and_breaks_nothing() -> None:
    bucket = Bucket(per_s=1, burst=1, now=10.0)
    bucket.take(10.0)

    waits = [bucket.take(5.0), bucket.take(10.5), bucket.take(11.0)]

    assert waits == [1.0, 0.5, 0.0]


@given(steps, st.floats(0.1, 50), st.integers(1, 20))
def test_never_more_is_taken_than_there_was(steps: list[float], per_s: float, burst: int) -> None:
    bucket = Bucket(per_s=per_s, burst=burst, now=0.0)
    now, taken = 0.0, 0

    for step in steps:
        now += step
        taken += bucket.take(now) == 0.0

    assert taken <= burst + now * per_s + 1e-6


@given(steps, st.floats(0.1, 50), st.integers(1, 20))
def test_who_waits_as_told_is_let_through(steps: list[float], per_s: float, burst: int) -> None:
    bucket = Bucket(per_s=per_s, burst=burst, now=0.0)
    now = 0.0

    for step in steps:
        now += step
        while wait_s := bucket.take(now):
            now += wait_s + 1e-6
            assert bucket.take(now) == 0.0
            break

    assert bucket.take(now + burst / per_s + 1e-6) == 0.0
