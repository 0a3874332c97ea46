"""The rules of refresh tokens, without a database: what follows what, and what becomes of one that is shown."""

from itertools import product

import pytest

from nura_rt.auth import refresh
from nura_rt.auth.keys import derived
from nura_rt.auth.refresh import Succession, decide
from nura_rt.store.refresh_tokens import TokenState

SECRET = "a-secret-for-tests-only-0123456789abcdef0123456789"


@pytest.mark.parametrize(
    ("used", "same", "expired", "waits", "decision"),
    [
        (False, False, False, False, "rotate"),
        (False, False, True, False, "refuse"),
        (True, True, False, True, "repeat"),
        (True, True, False, False, "kill"),  # the successor was used: this is somebody else
        (True, False, False, True, "kill"),  # somebody else's attempt
        (True, False, False, False, "kill"),
        (True, False, True, True, "kill"),  # old or not, a used one was stolen
        (True, True, True, True, "kill"),
    ],
)
def test_a_token_is_followed_repeated_refused_or_the_end(
    used: bool, same: bool, expired: bool, waits: bool, decision: str
) -> None:
    state = TokenState(used=used, same_attempt=same, expired=expired, successor_waits=waits)

    assert decide(state, session_live=True) == decision


def test_an_ended_session_has_nothing_to_give_or_to_lose() -> None:
    for values in product((False, True), repeat=4):
        state = TokenState(*values)

        assert decide(state, session_live=False) == "refuse"


def test_a_successor_is_the_same_each_time_and_elsewhere() -> None:
    token = refresh.first()

    assert Succession(SECRET).after(token) == Succession(SECRET).after(token)
    assert refresh.is_token(Succession(SECRET).after(token))


def test_nobody_derives_a_successor_without_the_servers_secret() -> None:
    token = refresh.first()

    assert Succession(SECRET).after(token) != Succession(SECRET + "x").after(token)
    assert derived(SECRET, "refresh") != derived(SECRET, "phone codes")
    assert SECRET.encode() not in derived(SECRET, "refresh")


def test_a_chain_meets_no_token_twice() -> None:
    chain, succession = [refresh.first()], Succession(SECRET)

    for _ in range(1_000):
        chain.append(succession.after(chain[-1]))

    assert len(set(chain)) == len(chain)


@pytest.mark.parametrize("text", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "é" * 43, "x" * 42 + "\n"])
def test_what_has_not_the_form_is_no_token(text: str) -> None:
    assert not refresh.is_token(text)
