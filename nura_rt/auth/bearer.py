"""The Authorization header of a REST request, as an identity."""

from litestar.connection import ASGIConnection

from nura_rt.auth.identify import Identify, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.protocol.problem import Refusal


async def bearer(connection: ASGIConnection, identify: Identify) -> Identity:  # type: ignore[type-arg]
    """Raises Refusal: 401 without a good token, 503 when the database does not answer."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(
            401, "unauthorized", "sign in first", field="Authorization", rule="must be Bearer and a token"
        )
    try:
        return await identify(token)
    except TokenError as error:
        raise Refusal(
            401,
            "unauthorized",
            f"the token is {error.slug}",
            field="Authorization",
            rule="must be a valid token",
        ) from None
    except SignInUnavailable:
        raise Refusal(503, "degraded", "the database does not answer", retry_after_ms=2000) from None
