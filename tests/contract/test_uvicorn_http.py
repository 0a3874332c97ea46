"""What realtime/doorway.py takes for granted in uvicorn. When one of these fails, read the doorway first."""

import asyncio
import inspect
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Never called."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("server_state", ServerState),
        ("connections", set),
        ("cycle", type(None)),
        ("loop", asyncio.AbstractEventLoop),
    ],
)
async def test_a_connection_begins_with_what_we_use(name: str, kind: type) -> None:
    fresh = HttpToolsProtocol(uvicorn.Config(app, log_config=None), ServerState(), {})

    assert isinstance(getattr(fresh, name), kind)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("connection_made", ["self", "transport"]),
        ("connection_lost", ["self", "exc"]),
        ("data_received", ["self", "data"]),
        ("handle_websocket_upgrade", ["self"]),
        ("on_message_begin", ["self"]),
        ("on_headers_complete", ["self"]),
        ("on_message_complete", ["self"]),
    ],
)
def test_what_we_override_takes_what_we_give(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters) == parameters
