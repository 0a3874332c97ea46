"""A canary's count of time, by a clock that is set by hand."""

from nura_rt.realtime.canary import Canary


class Flown:
    """A canary and its clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.canary = Canary("canary:me-0", clock=lambda: self.now)

    def seconds(self, count: int, *, heard: bool) -> None:
        """One flies each second."""
        for _ in range(count):
            number = self.canary.fly()
            self.now += 1
            if heard:
                self.canary.seen(number)


def test_while_all_come_back_nothing_lags() -> None:
    flown = Flown()

    flown.seconds(10, heard=True)

    assert (flown.canary.lag_s, flown.canary.overdue_s) == (0.0, 0.0)


def test_the_oldest_that_is_missing_counts() -> None:
    flown = Flown()
    flown.seconds(3, heard=True)

    flown.seconds(7, heard=False)

    assert (flown.canary.lag_s, flown.canary.overdue_s) == (7.0, 7.0)


def test_a_later_one_that_comes_back_excuses_those_before_it() -> None:
    flown = Flown()
    flown.seconds(7, heard=False)
    flown.seconds(1, heard=True)

    assert flown.canary.lag_s == 0.0


def test_an_early_one_that_comes_back_late_leaves_the_others_missing() -> None:
    flown = Flown()
    flown.seconds(7, heard=False)

    flown.canary.seen(3)

    assert flown.canary.lag_s == 4.0


def test_time_in_which_it_could_not_come_back_lags_but_is_not_overdue() -> None:
    flown = Flown()
    flown.seconds(60, heard=False)
    flown.canary.excuse()
    flown.seconds(2, heard=False)

    assert (flown.canary.lag_s, flown.canary.overdue_s) == (62.0, 2.0)


def test_a_day_without_any_takes_no_memory_and_ends_with_the_first() -> None:
    flown = Flown()
    flown.seconds(86_400, heard=False)
    kept = len(flown.canary._out)
    flown.seconds(1, heard=True)

    assert kept < 200
    assert flown.canary.lag_s == 0.0
