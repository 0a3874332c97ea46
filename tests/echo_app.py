"""Says back what it hears: text through our outlet, binary through ASGI, as the product and a plain app would."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from uvicorn_server import serving


async def echo(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """One socket, until it ends."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None})
    outlet: NuraWebSocket = scope["extensions"][EXTENSION]
    while (message := await receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        if text is not None:
            outlet.write(Payload(text.encode()))
        elif not outlet.close_sent:
            await send({"type": "websocket.send", "bytes": message["bytes"], "text": None})


@asynccontextmanager
async def echoing(**options: Any) -> AsyncIterator[int]:
    """Serves it on our protocol class and gives the port; `options` are uvicorn's."""
    async with serving(echo, NuraWebSocket, **options) as port:
        yield port
