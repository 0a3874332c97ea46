"""The outlet over plain ASGI, where uvicorn's transport is not at hand (test clients, other servers)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nura_rt.realtime.payload import Payload

Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiOutlet:
    """Queues what is written and sends it in order from `pump`, which the handler runs."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: asyncio.Queue[dict[str, Any]] = (
            asyncio.Queue()
        )  # bounded by the connection's byte budget
        self._bytes = 0
        self._closing = False

    def write(self, payload: Payload) -> None:
        """Queues a text frame."""
        if not self._closing:
            self._bytes += len(payload.data)
            self._queue.put_nowait({"type": "websocket.send", "text": payload.data.decode()})

    def buffered(self) -> int:
        """Bytes queued here."""
        return self._bytes

    def hang_up(self, code: int, reason: str) -> None:
        """Queues the close after what was written."""
        if not self._closing:
            self._closing = True
            self._queue.put_nowait({"type": "websocket.close", "code": code, "reason": reason})

    async def pump(self) -> None:
        """Sends until the close has left."""
        while True:
            message = await self._queue.get()
            await self._send(message)
            self._bytes -= len(message.get("text", "").encode())
            if message["type"] == "websocket.close":
                return
