"""Signing in and out (AUTH_MODE=local). Unknown and wrong get the same answer in the same time."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from nura_rt.people.accounts import account_routes
from nura_rt.people.forms import Refresh, Signed, SignIn, is_email
from nura_rt.people.local import TOKEN_NEEDED, Local
from nura_rt.people.passwords import password_routes
from nura_rt.people.signing import wrong_sign_in
from nura_rt.people.verification import verification_routes
from nura_rt.protocol import headers
from nura_rt.settings import Settings
from nura_rt.store import accounts


class DemoPerson(msgspec.Struct, frozen=True):
    """Who a newcomer may be in development."""

    email: str
    password: str


class Modes(msgspec.Struct, frozen=True):
    """How people sign in here. `demo` is set in development only."""

    mode: str
    environment: str
    demo: DemoPerson | None


def sign_in_routes(
    settings: Settings, local: Local | None, *, demo: DemoPerson | None
) -> list[HTTPRouteHandler]:
    """GET /v1/auth/modes and, with local accounts, every other door under /v1/auth."""

    @get("/v1/auth/modes")
    async def modes() -> Modes:
        return Modes(settings.auth_mode, settings.env, demo)

    if local is None:
        return [modes]
    return [
        modes,
        *_session_routes(local),
        *account_routes(local),
        *password_routes(local),
        *verification_routes(local),
    ]


def _session_routes(local: Local) -> list[HTTPRouteHandler]:
    """POST sign-in, refresh and sign-out."""

    @post(
        "/v1/auth/sign-in",
        status_code=200,
        summary="Sign in",
    )
    async def sign_in(request: Request[Any, Any, Any], data: JSONBody[SignIn]) -> Signed:
        place = local.place(request)
        local.limits.by_address.take(place)
        email = data.email.strip().lower()
        account_here = f"{place} {email[:320]}"
        local.limits.by_account.take(account_here)
        account = await accounts.find(local.pool, email) if is_email(email) else None
        right = await local.matches(data.password, account)
        if account is None or not right:
            raise wrong_sign_in()
        local.limits.by_account.forget(account_here)
        return await local.signing.begin(
            account, device=local.device(request), address=local.address(request)
        )

    @post(
        "/v1/auth/refresh",
        status_code=200,
        summary="Get the next tokens",
        opt={"idempotency_key": "optional"},
    )
    async def refresh(request: Request[Any, Any, Any], data: JSONBody[Refresh]) -> Signed:
        local.limits.refreshes.take(local.place(request))
        named = "idempotency-key" in request.headers
        attempt = headers.idempotency_key(request.headers) if named else None
        return await local.signing.refresh(data.refresh_token, attempt)

    @post(
        "/v1/auth/sign-out",
        status_code=204,
        summary="Sign this device out",
        security=TOKEN_NEEDED,
    )
    async def sign_out(request: Request[Any, Any, Any]) -> None:
        identity = await local.identity(request)
        await local.sessions.end(identity.user_id, identity.session_id, "signed_out")

    return [sign_in, refresh, sign_out]
