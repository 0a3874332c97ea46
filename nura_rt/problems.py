"""What went wrong in a route, as problem+json: refusals as they are, the framework's own, and our defects."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from nura_rt.protocol.codec import blame
from nura_rt.protocol.problem import MEDIA_TYPE, Problem, Refusal
from nura_rt.store.pool import UNAVAILABLE

_log = logging.getLogger(__name__)


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
    field, rule = blame(detail) if first else (None, None)
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


def _say_internal(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if isinstance(error, UNAVAILABLE):
        sentence = "the database does not answer"
        return _problem(Problem("/problems/degraded", "degraded", 503, sentence, retry_after_ms=2000))
    _log.error("a route failed", exc_info=error)
    return _problem(Problem("/problems/internal", "internal", 500, "something went wrong here; it was noted"))


def _problem(problem: Problem, extra: Mapping[str, str] | None = None) -> Response[bytes]:
    headers = dict(extra or {})
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
    Exception: _say_internal,
}
