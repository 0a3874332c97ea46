"""The socket's documentation, served beside that of REST: the same for everybody, made when the server starts."""

import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from nura_rt.protocol import asyncapi, schema, typescript

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class _File(msgspec.Struct, frozen=True):
    """What is served under one name."""

    body: bytes
    media_type: str

    @property
    def tag(self) -> str:
        """Names this body, for `If-None-Match`."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


def wire_routes() -> list[HTTPRouteHandler]:
    """GET /schema/asyncapi.json, /schema/frames.json and /schema/nura-client.d.ts; open to anyone."""
    frames = schema.document()
    files = {
        "/schema/asyncapi.json": _File(
            msgspec.json.encode(asyncapi.asyncapi()), "application/vnd.aai.asyncapi+json;version=3.0.0"
        ),
        "/schema/frames.json": _File(msgspec.json.encode(frames), "application/schema+json"),
        "/schema/nura-client.d.ts": _File(
            typescript.declarations(frames).encode(), "application/typescript; charset=utf-8"
        ),
    }

    @get(list(files), include_in_schema=False, response_headers=_HEADERS)
    async def wire_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        file = files[request.url.path.rstrip("/")]
        unchanged = request.headers.get("if-none-match") == file.tag
        return Response(
            b"" if unchanged else file.body,
            status_code=304 if unchanged else 200,
            media_type=file.media_type,
            headers={"ETag": file.tag},
        )

    return [wire_file]
