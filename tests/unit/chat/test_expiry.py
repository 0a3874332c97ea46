"""The end of a token as a table: when it is told of, when it is over, and what a newer one changes."""

import pytest

from nura_rt.chat.expiry import Expiry, ExpiryRule

RULE = ExpiryRule(warn_s=120, jitter_s=5, grace_s=30)


@pytest.mark.parametrize(
    ("now", "tells", "is_over"),
    [
        (0, False, False),
        (879, False, False),
        (880, True, False),
        (1000, True, False),  # it was less than 120 s from the beginning
        (1029, True, False),
        (1030, True, True),
    ],
)
def test_a_token_of_1000_is_told_of_at_880_and_over_at_1030(now: float, tells: bool, is_over: bool) -> None:
    expiry = Expiry(RULE, 1000, jitter_s=0)

    assert (expiry.is_over(now), expiry.must_tell(now)) == (is_over, tells)


@pytest.mark.parametrize(("jitter_s", "at"), [(-5, 875), (0, 880), (5, 885)])
def test_clients_are_told_at_different_times(jitter_s: float, at: float) -> None:
    expiry = Expiry(RULE, 1000, jitter_s=jitter_s)

    assert (expiry.next_at, expiry.must_tell(at - 1), expiry.must_tell(at)) == (at, False, True)


def test_it_is_told_once_and_then_the_end_is_next() -> None:
    expiry = Expiry(RULE, 1000, jitter_s=0)

    told = [expiry.must_tell(880), expiry.must_tell(900)]

    assert (told, expiry.next_at) == ([True, False], 1030)


def test_a_newer_token_begins_anew() -> None:
    expiry = Expiry(RULE, 1000, jitter_s=0)
    expiry.must_tell(880)
    expiry.renew(2000)

    assert (expiry.next_at, expiry.is_over(1030), expiry.must_tell(1880)) == (1880, False, True)
