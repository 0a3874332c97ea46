"""Who may try while Redis is away."""

from nura_rt.cache.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tries(breaker: Breaker, clock: Clock, *, seconds: int) -> list[int]:
    """At which of the next seconds it lets one of three callers through, each failing."""
    let_through = []
    for second in range(1, seconds + 1):
        clock.now += 1
        for _ in range(3):
            if breaker.lets_through():
                let_through.append(second)
                breaker.failed()
    return let_through


def test_all_go_through_while_it_works() -> None:
    breaker = Breaker(Clock())
    breaker.worked()

    assert all(breaker.lets_through() for _ in range(100))


def test_one_tries_at_a_time_after_pauses_that_double_up_to_eight_seconds() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed()

    assert tries(breaker, clock, seconds=32) == [1, 3, 7, 15, 23, 31]


def test_many_failures_at_once_are_one() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(50):
        breaker.failed()

    clock.now += 1

    assert breaker.lets_through()


def test_a_try_that_works_lets_all_through_and_pauses_start_small_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed()
    tries(breaker, clock, seconds=20)
    breaker.worked()
    went = [breaker.lets_through() for _ in range(3)]
    breaker.failed()

    assert went == [True] * 3
    assert tries(breaker, clock, seconds=3) == [1, 3]
