"""The Authorization header of a REST request, as an identity."""

import time
from collections.abc import Callable

from litestar.connection import ASGIConnection

from nura_rt.auth.address import address_of
from nura_rt.auth.identify import Barred, Identify, SignInUnavailable
from nura_rt.auth.tokens import LEEWAY_S, Identity, TokenError
from nura_rt.protocol.problem import Refusal


async def bearer(connection: ASGIConnection, identify: Identify) -> Identity:  # type: ignore[type-arg]
    """Raises Refusal: 401 without a good token, 503 when it cannot be known whether it is one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(
            401, "unauthorized", "sign in first", field="Authorization", rule="must be Bearer and a token"
        )
    try:
        return await identify(
            token,
            agent=connection.headers.get("user-agent"),
            address=address_of(connection.scope, identify.trusted),
        )
    except Barred as error:
        raise _barred(error) from None
    except TokenError as error:
        raise Refusal(
            401,
            "unauthorized",
            f"the token is {error.slug}",
            field="Authorization",
            rule="must be a valid token",
        ) from None
    except SignInUnavailable:
        raise Refusal(503, "degraded", "signing in does not work now", retry_after_ms=2000) from None


def require_recent(identity: Identity, within_s: float, clock: Callable[[], float] = time.time) -> None:
    """For what is dangerous. Raises Refusal 403 unless the person proved who they are within `within_s` seconds."""
    if identity.signed_in_at is None or clock() - identity.signed_in_at > within_s + LEEWAY_S:
        raise Refusal(403, "recent-sign-in-required", "sign in again to do this")


def _barred(error: Barred) -> Refusal:
    if error.why == "account_erased":
        return Refusal(401, "account-erased", "this account is no more")
    return Refusal(401, "session-ended", "this session was ended: sign in again")
