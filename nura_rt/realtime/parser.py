"""The sans-IO protocol of `websockets` with our close codes, sipping: one message is read, the rest of the read waits.

Uses websockets 17 internals (`reader.buffer`, `current_size`); tests/contract/test_uvicorn.py guards them. So a
message is answered before what follows it is judged, and a flood of small frames takes no long turn of the loop.
"""

from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter, LoggerLike

from nura_rt.protocol.errors import Close
from nura_rt.realtime.payload import MEMORY_LEVEL, WINDOW_BITS

_FRAMES_AT_ONCE = 64
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Parser(ServerProtocol):
    """Of each connection one. `chatter` counts frames that end no message: pings, pongs, fragments."""

    def __init__(self, *, max_size: int, deflate: bool, logger: LoggerLike) -> None:
        super().__init__(extensions=[EachAlone()] if deflate else [], max_size=max_size, logger=logger)
        self.held = bytearray()
        self.chatter = 0
        self._frames = 0

    def receive_data(self, data: bytes | bytearray) -> None:
        """Parses as far as the next message; what follows it is `held` until `go_on`."""
        if self.held:
            self.held += data
        else:
            super().receive_data(data)

    def go_on(self) -> None:
        """Parses what was held, as far as the next message."""
        self.held, self.reader.buffer = bytearray(), self.held
        super().receive_data(b"")

    def recv_frame(self, frame: Frame) -> None:
        """A close may come between fragments: the message will never be whole, and that is no violation."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)
        self._frames += 1
        whole = frame.fin and frame.opcode in _DATA
        if not whole:
            self.chatter += 1
        if (whole and self.state is State.OPEN) or self._frames % _FRAMES_AT_ONCE == 0:
            self.held, self.reader.buffer = self.reader.buffer, bytearray()

    def fail(self, code: int, reason: str = "") -> None:
        """A frame over the limit, inflated or not, is closed with our documented code instead of 1009."""
        if code == CloseCode.MESSAGE_TOO_BIG:
            code, reason = Close.FRAME_TOO_LARGE, Close.FRAME_TOO_LARGE.slug
        super().fail(code, reason)


class EachAlone(ServerPerMessageDeflateFactory):
    """permessage-deflate without context takeover, both ways: one compressed frame does for every peer."""

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=WINDOW_BITS,
            compress_settings={"memLevel": MEMORY_LEVEL},
        )

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Declines a peer whose window is smaller than what our frames need."""
        answer, extension = super().process_request_params(params, accepted_extensions)
        if extension.local_max_window_bits != WINDOW_BITS:
            raise NegotiationError("our frames need a window of 4 KiB")
        return answer, extension
