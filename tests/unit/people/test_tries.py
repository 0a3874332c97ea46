"""How many tries somebody has, and that nobody can use up another's."""

import pytest

from nura_rt.people.tries import Tries
from nura_rt.protocol.problem import Refusal


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_tries_run_out_and_say_when_to_come_back() -> None:
    tries = Tries(3)
    for _ in range(3):
        tries.take("here anna@example.invalid")

    with pytest.raises(Refusal) as caught:
        tries.take("here anna@example.invalid")

    assert caught.value.problem.status == 429
    assert (caught.value.problem.retry_after_ms or 0) > 0


def test_a_stranger_elsewhere_does_not_use_up_the_owners_tries() -> None:
    tries = Tries(1)
    tries.take("elsewhere anna@example.invalid")

    tries.take("here anna@example.invalid")


def test_a_success_gives_the_tries_back() -> None:
    tries = Tries(1)
    tries.take("here anna@example.invalid")

    tries.forget("here anna@example.invalid")

    tries.take("here anna@example.invalid")


def test_tries_come_back_one_by_one_over_the_time_given() -> None:
    clock = Clock()
    tries = Tries(5, within_s=600, clock=clock)
    for _ in range(5):
        tries.take("a number")

    clock.now += 120
    tries.take("a number")

    with pytest.raises(Refusal) as caught:
        tries.take("a number")
    assert 119_000 < (caught.value.problem.retry_after_ms or 0) <= 120_001


def test_only_so_many_keys_are_remembered() -> None:
    tries = Tries(1)
    for number in range(10_001):
        tries.take(str(number))

    tries.take("0")  # forgotten, and so free again

    with pytest.raises(Refusal):
        tries.take("10000")
