"""How many tries somebody has, and that nobody can use up another's."""

import pytest

from nura_rt.people.sign_in import Tries
from nura_rt.protocol.problem import Refusal


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
