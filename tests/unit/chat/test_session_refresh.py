"""A token that follows another: who may bring it, how often, and what is said."""

from datetime import UTC, datetime

import pytest

from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.session import HangUp, Refresh, Say, Session
from nura_rt.protocol import client
from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import AuthExpiring, AuthRefreshed, Error
from nura_rt.settings import Limits

ANN = Identity("ann", "s1", None, 1000)


def session() -> Session:
    return Session(ANN, Limits(), now=0.0)


def at(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


@pytest.mark.parametrize("ref", ["r1", None])
def test_a_new_token_is_verified(ref: str | None) -> None:
    effects = session().on_frame(client.AuthRefresh("t", ref), now=0.0)

    assert effects == [Refresh(ref, "t")]


def test_one_token_is_verified_in_10_s() -> None:
    ours = session()
    frame = client.AuthRefresh("t", "r1")

    answers = [ours.on_frame(frame, now=now) for now in (0.0, 5.0, 10.0)]

    (refused,) = answers[1]
    assert isinstance(refused, Say)
    assert isinstance(refused.frame, Error)
    assert (refused.frame.code, refused.frame.ref, refused.frame.retry_after_ms) == ("too_fast", "r1", 5001)
    assert answers[0] == answers[2] == [Refresh("r1", "t")]


@pytest.mark.parametrize(
    ("identity", "counts", "until"),
    [
        (Identity("ann", "s1", None, 2000), True, 2000),
        (Identity("ann", "s1", None, 1000), False, 1000),
        (Identity("ann", "s1", None, 900), False, 1000),  # older: an answer that came late
        (Identity("ann", "s2", None, 2000), True, 2000),
        (Identity("ann", "s2", None, 900), True, 900),  # the sign-in it has now
    ],
)
def test_the_newest_token_counts(identity: Identity, counts: bool, until: float) -> None:
    ours = session()

    effects = ours.on_refreshed("r1", identity)

    assert effects == [Say(AuthRefreshed(at(until), "r1"))]
    assert ours.identity == (identity if counts else ANN)
    assert ours.expiry.expires_at == until


def test_another_person_ends_it() -> None:
    ours = session()

    effects = ours.on_refreshed("r1", Identity("bob", "s1", None, 2000))

    assert (effects, ours.identity) == ([HangUp(Close.ANOTHER_PERSON)], ANN)


@pytest.mark.parametrize("slug", ["expired", "invalid"])
def test_a_token_that_is_no_good_changes_nothing(slug: str) -> None:
    ours = session()

    effects = ours.on_refresh_refused("r1", TokenError(slug))  # type: ignore[arg-type]

    message = f"the token is {slug}"
    assert effects == [Say(Error("unauthorized", message, False, "r1", "token", "must be a valid token"))]
    assert ours.identity == ANN


@pytest.mark.parametrize(
    ("now", "effects"),
    [(800, []), (880, [Say(AuthExpiring(at(1000)))]), (1030, [HangUp(Close.TOKEN_EXPIRED)])],
)
def test_the_clock_has_its_effects(now: float, effects: list[object]) -> None:
    assert session().on_alarm(now) == effects


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(Refresh("r1", "secret"))
