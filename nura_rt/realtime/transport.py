"""uvicorn's WebSocket protocol, made to free a client that stopped reading and to write bytes framed once.

Uses uvicorn 0.54 internals (tests/contract/test_uvicorn.py guards them). All that is written goes through one
cork, so frames, pongs and closes leave in the order of the calls. Text is UTF-8 or the socket ends, fragments too.
"""

import asyncio
import codecs
from typing import Any, Literal, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State
from websockets.typing import BytesLike

from nura_rt.protocol.errors import Close
from nura_rt.realtime.connection import TOO_MUCH
from nura_rt.realtime.cork import Corked
from nura_rt.realtime.parser import Parser
from nura_rt.realtime.payload import Payload

EXTENSION = "nura.outlet"
_BUFFER_HIGH = 64 * 1024
_ABORT_AFTER_S = 1.0
_CHATTER_PER_S = 2_000  # pings, pongs and fragments; a 64 KiB frame in pieces of 64 octets is half of it
_new_decoder = codecs.getincrementaldecoder("utf-8")


class NuraWebSocket(WebSocketsSansIOProtocol):
    """Pass as `uvicorn.Config(ws=NuraWebSocket)`. Is its connection's `Outlet`.

    `ws_per_message_deflate` of the Config means: compress each message alone, or not at all.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn: Parser = Parser(
            max_size=self.config.ws_max_size,
            deflate=self.config.ws_per_message_deflate,
            logger=self.conn.logger,
        )
        self._deflates = False
        self._deaf = False
        self._second = 0.0
        self._gathered = bytearray()  # of a fragmented message: a list would grow with empty fragments
        self._utf8 = _new_decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Corks it and bounds the write buffer; how long the kernel bears with a dead peer, doorway.py has said."""
        corked = Corked(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", corked))
        corked.set_write_buffer_limits(high=_BUFFER_HIGH)

    def handle_connect(self, event: Request) -> None:
        """Hands itself to the app, whose task exists but has not run yet."""
        super().handle_connect(event)
        if not self.close_sent:
            self._deflates = bool(self.conn.extensions)
            cast("dict[str, object]", self.scope["extensions"])[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        """Hears the peer, unless it broke the rules."""
        if self._deaf:
            return
        super().data_received(data)
        if self.handshake_initiated:
            self._mind()
        else:  # uvicorn gives the whole head at once: no more of it will come
            self._refuse()

    def _refuse(self) -> None:
        """No handshake, though httptools took it for one, or nonsense before it was answered.

        Tells websockets' own answer (414, 431), or 400 if it has none.
        """
        answer = b"".join(self.conn.data_to_send())
        self.transport.write(answer or self.conn.reject(400, "This is no handshake.\n").serialize())
        self.close_sent = True  # nothing more is said, not even that the server stops
        self.transport.close()
        self._abort_soon()

    def _mind(self) -> None:
        """What no message ended (pings, fragments) does not reach the session, so it is bounded here."""
        now = self.loop.time()
        if now - self._second >= 1.0:
            self._second, self.conn.chatter = now, 0
        if self.conn.chatter > _CHATTER_PER_S:
            self.write(TOO_MUCH)
            self.hang_up(Close.TOO_FAST, Close.TOO_FAST.slug)
            self._hear_no_more()
        elif self.conn.held and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
            self._read_on()

    async def receive(self) -> Any:
        """ASGI: the next message; what came with it is parsed when the app has had its turn."""
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self._read_on()
        return message

    def _read_on(self) -> None:
        if self.conn.held:
            self.loop.call_soon(self._parse_on)
        else:
            self.read_paused = False
            self.transport.resume_reading()

    def _hear_no_more(self) -> None:
        """What comes is read and thrown away: closing with unread bytes resets the peer before it knows why."""
        self._deaf = True
        self.conn.held.clear()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._read_on()

    def _parse_on(self) -> None:
        if self._deaf or self.disconnected or not self.conn.held:
            return
        self.conn.go_on()
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
            return
        self.handle_events()
        self._mind()
        if self.read_paused and (self.queue.empty() or self.close_sent):
            self._read_on()

    def handle_text(self, event: Frame) -> None:
        """Text in one piece, or its first fragment."""
        self._begin("text", event)

    def handle_bytes(self, event: Frame) -> None:
        """Binary in one piece, or its first fragment."""
        self._begin("bytes", event)

    def _begin(self, kind: Literal["text", "bytes"], event: Frame) -> None:
        self.curr_msg_data_type = kind
        if event.fin:
            self._give(event.data)
            return
        self._gathered.clear()
        self._utf8.reset()
        self.handle_cont(event)

    def handle_cont(self, event: Frame) -> None:
        """One more fragment; text is judged at once, so nonsense is not collected to its end."""
        if self._deaf or self.close_sent:
            return
        try:
            if self.curr_msg_data_type == "text":
                self._utf8.decode(event.data, event.fin)
        except UnicodeDecodeError:
            self._not_text()
            return
        self._gathered += event.data
        if event.fin:
            self._give(self._gathered)

    def _give(self, data: BytesLike) -> None:
        """A whole message, to the app; then nothing is read until it has taken it."""
        if self._deaf or self.close_sent:  # what was left of the same read
            return
        if self.curr_msg_data_type == "text":
            try:
                self.queue.put_nowait({"type": "websocket.receive", "text": str(data, "utf-8")})
            except UnicodeDecodeError:
                self._not_text()
                return
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": bytes(data)})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _not_text(self) -> None:
        self.conn.fail(CloseCode.INVALID_DATA, "invalid UTF-8")
        self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Pongs; but a peer that does not take them gets none for now (RFC 6455 §5.5.3 allows it)."""
        if self.buffered() < _BUFFER_HIGH or self.conn.state is not State.OPEN:
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or answers our close: uvicorn would wait for ever until it has taken the rest."""
        super().handle_close(event)
        self._abort_soon()

    def handle_parser_exception(self) -> None:
        """The close frame, and a second for the peer to take it."""
        told = self.conn.close_sent
        if told is None:  # it did not even wait for our answer to the handshake
            self._refuse()
            return
        self.close_sent = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": told.code, "reason": told.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._hear_no_more()
        self.close_timer = self.loop.call_later(_ABORT_AFTER_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """No pong: uvicorn would wait for ever to flush to a peer that does not read."""
        super().keepalive_timeout()
        self._abort_soon()

    def shutdown(self) -> None:
        """The server stops: a stuck peer may not keep it, and one that is ending already has had our last word."""
        if self.conn.eof_sent:
            self.transport.close()
        else:
            super().shutdown()
        self._abort_soon()

    def write(self, payload: Payload) -> None:
        """Outlet: bytes framed once; what is written in one turn of the loop leaves in one send."""
        if not (self.close_sent or self.disconnected):
            self.transport.write(payload.deflated if self._deflates else payload.framed)

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
            self._read_on()
        self.close_timer = self.loop.call_later(_ABORT_AFTER_S, self.transport.abort)

    def _abort_soon(self) -> None:
        self.loop.call_later(_ABORT_AFTER_S, self.transport.abort)
