"""Serves the browser client: a handful of files read once, sent with a policy that allows nothing foreign."""

import hashlib
from importlib import resources as package
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",  # asked again each time, answered 304: a deploy shows at once
}


class Asset(msgspec.Struct, frozen=True):
    """One file of the page."""

    body: bytes
    media_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Every servable file of this folder, by name."""
    found = {}
    for entry in package.files("nura_rt.web").iterdir():
        suffix = "." + entry.name.rpartition(".")[2]
        if suffix in _TYPES:
            body = entry.read_bytes()
            found[entry.name] = Asset(body, _TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found


def page_routes(assets: dict[str, Asset]) -> list[HTTPRouteHandler]:
    """GET / and GET /assets/{name}."""

    @get("/")
    async def index(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _answer(request, assets["index.html"])

    @get("/assets/{name:str}")
    async def asset(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        found = assets.get(name)
        if found is None:
            raise NotFoundException(detail="there is no such file")
        return _answer(request, found)

    return [index, asset]


def _answer(request: Request[Any, Any, Any], found: Asset) -> Response[bytes]:
    headers = {**_HEADERS, "ETag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)
