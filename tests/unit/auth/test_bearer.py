"""What REST answers to a token that does not count, and who signed in recently enough."""

from typing import Any

import pytest

from nura_rt.auth.bearer import bearer, require_recent
from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.protocol.problem import Refusal

ANN = Identity("ann", "s1", None, 2e9)


class Request:
    """The parts of a request that are looked at."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"198.51.100.1")]}


class Answering:
    """Identifies everybody as Ann, or fails; keeps how it was asked."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.trusted = ()
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, token: str, **more: Any) -> Identity:
        self.asked.append((token, more))
        if self.trouble:
            raise self.trouble
        return ANN


async def refused(trouble: Exception | None, **headers: str) -> tuple[int, str]:
    request: Any = Request(**headers)
    identify: Any = Answering(trouble)
    with pytest.raises(Refusal) as caught:
        await bearer(request, identify)
    return caught.value.problem.status, caught.value.problem.type


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        (TokenError("invalid"), (401, "/problems/unauthorized")),
        (TokenError("expired"), (401, "/problems/unauthorized")),
        (Barred("revoked"), (401, "/problems/session-ended")),
        (Barred("account_erased"), (401, "/problems/account-erased")),
        (SignInUnavailable(), (503, "/problems/degraded")),
    ],
)
async def test_each_reason_has_its_answer(trouble: Exception, answer: tuple[int, str]) -> None:
    assert await refused(trouble, authorization="Bearer t") == answer


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic t", "t"])
async def test_without_a_bearer_token_nobody_is_asked(header: str) -> None:
    assert await refused(None, authorization=header) == (401, "/problems/unauthorized")


async def test_the_token_is_shown_with_where_it_comes_from() -> None:
    request: Any = Request(authorization="bearer t", user_agent="curl/8")
    identify: Any = Answering()

    identity = await bearer(request, identify)

    assert identity is ANN
    assert identify.asked == [("t", {"agent": "curl/8", "address": "10.0.0.1"})]


@pytest.mark.parametrize(
    ("signed_in_at", "allowed"),
    [(1_000.0, True), (700.0, True), (690.0, True), (689.0, False), (0.0, False), (None, False)],
)
def test_what_is_dangerous_needs_a_recent_sign_in(signed_in_at: float | None, allowed: bool) -> None:
    identity = Identity("ann", "s1", None, 2e9, signed_in_at=signed_in_at)
    answer = None

    try:
        require_recent(identity, 300, lambda: 1_000.0)
    except Refusal as refusal:
        answer = (refusal.problem.status, refusal.problem.type)

    assert answer == (None if allowed else (403, "/problems/recent-sign-in-required"))
