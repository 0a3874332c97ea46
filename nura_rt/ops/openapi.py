"""The REST documentation: OpenAPI 3.1 at /schema/openapi.json, and a page at /schema that needs no network."""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.routes import HTTPRoute

from nura_rt.ops import describe

_TYPES = {"js": "text/javascript", "css": "text/css"}
_OURS, _SWAGGER = ("index.html", "start.js"), ("swagger_bundle.js", "swagger_style.css")
_HEADERS = {
    # Swagger UI draws with data: pictures; nothing foreign is loaded or asked
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_ABOUT = """What a page or a script needs beside the socket (`docs/protocol.md`).

Errors are RFC 9457 `application/problem+json` with a stable `type`, and `field` and `rule` where one is to blame.
POST takes an `Idempotency-Key`: send again with the same key until there is an answer.
Reads carry an `ETag`; with `If-None-Match` they answer 304 when nothing changed.
"""


class _Document(OpenAPIRenderPlugin):
    """/schema/openapi.json, made on first use."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._body: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The finished document."""
        if self._body is None:
            document = msgspec.json.decode(msgspec.json.encode(openapi_schema))  # ours to change
            self._body = msgspec.json.encode(describe.finished(document, _handlers(request.app)))
        return self._body


class _Page(OpenAPIRenderPlugin):
    """/schema, for people."""

    def __init__(self, page: bytes) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)
        self._page = page

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Always the same: the document is read by its script."""
        return self._page


def documentation(version: str) -> OpenAPIConfig:
    """For `Litestar(openapi_config=...)`; it serves everything under /schema."""
    # Swagger UI as the package offapi carries it; it is not imported, only its files are read
    files = {name: (_folder("nura_rt.ops") / "reading" / name).read_bytes() for name in _OURS}
    files |= {name: (_folder("offapi") / name).read_bytes() for name in _SWAGGER}
    return OpenAPIConfig(
        title="Nura RT",
        version=version,
        description=_ABOUT,
        operation_id_creator=lambda handler, _, __: handler.handler_name,
        use_handler_docstrings=True,
        render_plugins=[_Page(files.pop("index.html")), _Document()],
        openapi_router=Router(
            "/schema", route_handlers=[_file_route(files)], include_in_schema=False, response_headers=_HEADERS
        ),
    )


def _folder(name: str) -> Path:
    """Where a package's files lie."""
    found = find_spec(name)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


def _file_route(files: Mapping[str, bytes]) -> HTTPRouteHandler:
    tags = {name: f'"{hashlib.sha256(body).hexdigest()[:16]}"' for name, body in files.items()}

    @get([f"/{name}" for name in files if name.rpartition(".")[2] in _TYPES])
    async def swagger_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        name = request.url.path.rpartition("/")[2]
        if name not in files:
            raise NotFoundException(detail="there is no such file")
        unchanged = request.headers.get("if-none-match") == tags[name]
        return Response(
            b"" if unchanged else files[name],
            status_code=304 if unchanged else 200,
            media_type=_TYPES[name.rpartition(".")[2]],
            headers={"ETag": tags[name]},
        )

    return swagger_file


def _handlers(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler]:
    """What the document tells of: the API and what a load balancer asks."""
    return {
        (route.path_format, str(method).lower()): handler
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith(("/v1/", "/livez", "/readyz"))
        for handler in route.route_handlers
        for method in handler.http_methods
    }
