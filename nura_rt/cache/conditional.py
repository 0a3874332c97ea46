"""A read over REST: its body with its ETag, or 304 without a body when the reader has exactly that."""

from typing import Any, TypeVar, cast

import msgspec
from litestar import Request, Response

from nura_rt.cache import etag

T = TypeVar("T")


def answer(request: Request[Any, Any, Any], shown: T) -> Response[T]:
    """The answer to a GET whose body is `shown` as JSON."""
    return cast(Response[T], answer_bytes(request, msgspec.json.encode(shown)))


def answer_bytes(request: Request[Any, Any, Any], body: bytes) -> Response[Any]:
    """The same for a body that is JSON already."""
    tag = etag.of(body)
    has = ",".join(request.headers.getall("if-none-match", [])) or None
    unchanged = etag.matches(has, tag)
    return Response(
        b"" if unchanged else body,
        status_code=304 if unchanged else 200,
        media_type="application/json",
        headers={"ETag": tag},
    )


def tag_of(shown: Any) -> str:
    """The ETag that `answer` gives `shown`."""
    return etag.of(msgspec.json.encode(shown))
