"""From a token to a person: each way it can fail has its own exception, and nothing else leaves."""

from typing import Any

import asyncpg
import pytest

from nura_rt.auth.identify import Barred, Identify, SignInUnavailable
from nura_rt.auth.jwks import KeysUnavailable
from nura_rt.auth.sessions import Erased
from nura_rt.auth.sightings import Busy
from nura_rt.auth.tokens import Identity, TokenError

ANN = Identity("ann", "s1", None, 2e9)


class Verifying:
    """Every token is Ann's, or fails."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble

    async def verify(self, _: str) -> Identity:
        if self.trouble:
            raise self.trouble
        return ANN

    def purge(self) -> None: ...


class Seeing:
    """Every session counts or does not, or cannot be looked up; keeps how it was asked."""

    def __init__(self, outcome: bool | Exception = True) -> None:
        self.outcome = outcome
        self.asked: list[tuple[Identity, dict[str, Any]]] = []

    async def seen(self, identity: Identity, **more: Any) -> bool:
        self.asked.append((identity, more))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_a_good_token_of_a_session_that_counts_is_its_person() -> None:
    sessions: Any = Seeing()

    identity = await Identify(Verifying(), sessions)(
        "t", device="tablet", agent="Firefox", address="10.0.0.1"
    )

    assert identity is ANN
    assert sessions.asked == [
        (ANN, {"device": "tablet", "agent": "Firefox", "address": "10.0.0.1", "beside": None})
    ]


@pytest.mark.parametrize("trouble", [TokenError("expired"), TokenError("invalid")])
async def test_a_token_that_is_refused_is_seen_by_nobody(trouble: TokenError) -> None:
    sessions: Any = Seeing()

    with pytest.raises(TokenError) as caught:
        await Identify(Verifying(trouble), sessions)("t")

    assert caught.value is trouble
    assert sessions.asked == []


@pytest.mark.parametrize(("outcome", "why"), [(False, "revoked"), (Erased(), "account_erased")])
async def test_a_good_token_may_count_no_more(outcome: bool | Exception, why: str) -> None:
    sessions: Any = Seeing(outcome)

    with pytest.raises(Barred) as caught:
        await Identify(Verifying(), sessions)("t")

    assert (caught.value.why, caught.value.slug) == (why, "invalid")


@pytest.mark.parametrize(
    ("keys", "database"),
    [
        (KeysUnavailable(), True),
        (None, Busy()),
        (None, TimeoutError()),
        (None, ConnectionRefusedError()),
        (None, asyncpg.CannotConnectNowError()),
    ],
)
async def test_what_cannot_be_known_now_may_be_known_later(
    keys: Exception | None, database: bool | Exception
) -> None:
    sessions: Any = Seeing(database)

    with pytest.raises(SignInUnavailable):
        await Identify(Verifying(keys), sessions)("t")
