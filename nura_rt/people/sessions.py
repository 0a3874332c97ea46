"""GET and DELETE /v1/me/sessions: where the person is signed in. Ended there is ended everywhere within 2 s."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from nura_rt.auth.bearer import bearer
from nura_rt.auth.identify import Identify
from nura_rt.auth.sessions import Reason, Sessions
from nura_rt.protocol.problem import Refusal

_TAGS = ["Me"]


class SignedIn(msgspec.Struct, frozen=True):
    """One sign-in. `current`: the one whose token asks. `last_seen_at` is up to a minute old."""

    session_id: str
    current: bool
    device: str | None
    ip_prefix: str | None
    created_at: datetime
    signed_in_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class SessionList(msgspec.Struct, frozen=True):
    """The person's sign-ins that count, the last seen first."""

    sessions: list[SignedIn]


class EndedSessions(msgspec.Struct, frozen=True):
    """How many were ended."""

    ended: int


def session_routes(identify: Identify, sessions: Sessions) -> list[HTTPRouteHandler]:
    """GET /v1/me/sessions, DELETE /v1/me/sessions (all others) and DELETE /v1/me/sessions/{id}."""

    @get(
        "/v1/me/sessions",
        tags=_TAGS,
        summary="List where you are signed in",
        description="The session that asks is `current`. `last_seen_at` is up to a minute old.",
    )
    async def list_sessions(request: Request[Any, Any, Any]) -> SessionList:
        identity = await bearer(request, identify)
        rows = await sessions.list_of(identity.user_id)
        return SessionList(
            [
                SignedIn(
                    session_id=row.id,
                    current=row.id == identity.session_id,
                    device=row.device,
                    ip_prefix=row.ip_prefix,
                    created_at=row.created_at,
                    signed_in_at=row.signed_in_at,
                    last_seen_at=row.last_seen_at,
                    expires_at=row.expires_at,
                )
                for row in rows
            ]
        )

    @delete(
        "/v1/me/sessions",
        status_code=200,
        tags=_TAGS,
        summary="Sign out everywhere else",
        description="Their sockets close (4509) and their tokens are refused, on every instance within 2 s.",
    )
    async def end_others(request: Request[Any, Any, Any]) -> EndedSessions:
        identity = await bearer(request, identify)
        ended = await sessions.end_all(identity.user_id, keep=identity.session_id, reason="revoked")
        return EndedSessions(len(ended))

    @delete(
        "/v1/me/sessions/{session_id:str}",
        status_code=204,
        tags=_TAGS,
        summary="Sign out somewhere",
        description="Its sockets close (4509) and its tokens are refused, on every instance within 2 s.",
        opt={"refusals": (404,)},
    )
    async def end_session(
        request: Request[Any, Any, Any],
        session_id: Annotated[str, Parameter(max_length=128, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")],
    ) -> None:
        identity = await bearer(request, identify)
        reason: Reason = "signed_out" if session_id == identity.session_id else "revoked"
        if not await sessions.end(identity.user_id, session_id, reason):
            raise Refusal(404, "not-found", "there is no such session")

    return [list_sessions, end_others, end_session]
