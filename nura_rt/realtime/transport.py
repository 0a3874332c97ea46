"""uvicorn's WebSocket protocol, made to free a client that stopped reading and to write bytes framed once.

Uses uvicorn 0.54 internals (`conn`, `transport`, `close_sent`, `disconnected`, `queue`); guarded by
tests/contract/test_uvicorn.py. Stock uvicorn waits for ever to flush to such a client, and SIGTERM waits with it.
"""

import asyncio
import socket
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from nura_rt.protocol.errors import Close
from nura_rt.realtime.payload import Payload

EXTENSION = "nura.outlet"
_BUFFER_HIGH = 64 * 1024
_USER_TIMEOUT_MS = 15_000
_ABORT_AFTER_S = 1.0


class _OurCloseCodes(ServerProtocol):
    """A frame over the limit is closed with our documented code instead of 1009."""

    def fail(self, code: int, reason: str = "") -> None:
        if code == CloseCode.MESSAGE_TOO_BIG:
            code, reason = Close.FRAME_TOO_LARGE, Close.FRAME_TOO_LARGE.slug
        super().fail(code, reason)


class NuraWebSocket(WebSocketsSansIOProtocol):
    """Pass as `uvicorn.Config(ws=NuraWebSocket)`. Is its connection's `Outlet`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _OurCloseCodes(max_size=self.config.ws_max_size, logger=self.conn.logger)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bounds the write buffer and lets the kernel give up on a dead peer."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=_BUFFER_HIGH)
        raw = transport.get_extra_info("socket")
        if (
            raw is not None
            and raw.family in (socket.AF_INET, socket.AF_INET6)
            and hasattr(socket, "TCP_USER_TIMEOUT")
        ):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)

    def handle_connect(self, event: Request) -> None:
        """Hands itself to the app, whose task exists but has not run yet."""
        super().handle_connect(event)
        if not self.close_sent:
            cast("dict[str, object]", self.scope["extensions"])[EXTENSION] = self

    def keepalive_timeout(self) -> None:
        """No pong: uvicorn would wait for ever to flush to a peer that does not read."""
        super().keepalive_timeout()
        self._abort_soon()

    def shutdown(self) -> None:
        """The server stops: a stuck peer may not keep it."""
        super().shutdown()
        self._abort_soon()

    def handle_parser_exception(self) -> None:
        """After a protocol violation the peer gets a second to take the close frame."""
        super().handle_parser_exception()
        self._abort_soon()

    def write(self, payload: Payload) -> None:
        """Outlet: bytes framed once, straight to the transport."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(payload.framed)

    def buffered(self) -> int:
        """Outlet: what the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def hang_up(self, code: int, reason: str) -> None:
        """Outlet: close frame, end of reading for the app, and a second for the peer to answer."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        try:
            self.conn.send_close(code, reason)
        except InvalidState:  # the peer closed in the same moment
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:  # else the peer's answer is never read
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_ABORT_AFTER_S, self.transport.abort)

    def _abort_soon(self) -> None:
        self.loop.call_later(_ABORT_AFTER_S, self.transport.abort)
