"""What went wrong in a route, as problem+json: refusals as they are, the framework's own, and our defects."""

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from nura_rt.protocol.codec import blame
from nura_rt.protocol.problem import MEDIA_TYPE, Problem, Refusal
from nura_rt.store.pool import UNAVAILABLE

_log = logging.getLogger(__name__)
# Two that stood in each other's way: the same request will pass in a moment.
_AGAIN = (*UNAVAILABLE, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
# Written in the name of somebody who was erased while their token was still good.
_NOBODY = {"conversations_user_id_fkey", "user_service_profiles_user_id_fkey"}


def _say_refusal(_: Request[Any, Any, Any], error: Refusal) -> Response[bytes]:
    return _problem(error.problem)


def _say_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals; its `extra` names the field and the rule and may be shown to the caller."""
    extra: Any = error.extra
    first = extra[0] if isinstance(extra, list) and extra and isinstance(extra[0], dict) else {}
    slug = {404: "not-found", 405: "wrong-method", 413: "too-large", 429: "too-fast"}.get(
        error.status_code, "invalid"
    )
    detail = str(first.get("message") or error.detail or "this cannot be done")[:300]
    if first.get("key") == "data" and not first.get("message", "").strip("'").replace("data", ""):
        first, detail = {}, "a JSON body is needed"  # what Litestar says of no body at all
    field, rule = blame(detail) if first else (None, None)
    if not first and error.status_code == 400 and field is None:
        field, rule = "body", "must be one whole JSON value"
    return _problem(
        Problem(
            type=f"/problems/{slug}",
            title=slug.replace("-", " "),
            status=error.status_code,
            detail=detail,
            field=field or first.get("key") or None,
            rule=rule,
        ),
        error.headers,
    )


def _say_too_deep(_: Request[Any, Any, Any], __: RecursionError) -> Response[bytes]:
    """JSON within JSON, thousands of levels: no body of ours needs it."""
    return _problem(
        Problem("/problems/invalid", "invalid", 400, "this body is nested too deep", rule="must be flatter")
    )


def _say_no_text(_: Request[Any, Any, Any], __: UnicodeDecodeError) -> Response[bytes]:
    """A body that is no UTF-8; msgspec says so only while it reads a field."""
    return _problem(
        Problem("/problems/invalid", "invalid", 400, "this body is not UTF-8", rule="must be UTF-8")
    )


def _say_nobody(request: Request[Any, Any, Any], error: asyncpg.ForeignKeyViolationError) -> Response[bytes]:
    if getattr(error, "constraint_name", None) in _NOBODY:
        return _problem(Problem("/problems/not-found", "not found", 404, "this person is here no more"))
    return _say_internal(request, error)


def _say_internal(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, _AGAIN):
        sentence = "the database does not answer"
        return _problem(Problem("/problems/degraded", "degraded", 503, sentence, retry_after_ms=2000))
    _log.error("a route failed", exc_info=error)
    return _problem(Problem("/problems/internal", "internal", 500, "something went wrong here; it was noted"))


def _problem(problem: Problem, extra: Mapping[str, str] | None = None) -> Response[bytes]:
    headers = {"Cache-Control": "no-store", **(extra or {})}  # an app's own headers do not reach refusals
    if problem.retry_after_ms:
        headers["Retry-After"] = str(1 + problem.retry_after_ms // 1000)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    Refusal: _say_refusal,
    HTTPException: _say_http,
    RecursionError: _say_too_deep,
    UnicodeDecodeError: _say_no_text,
    asyncpg.ForeignKeyViolationError: _say_nobody,
    Exception: _say_internal,
}
