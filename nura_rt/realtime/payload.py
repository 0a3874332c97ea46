"""An encoded frame: JSON once, WebSocket frame once, compressed once, however many sockets it goes to."""

import struct
import zlib
from enum import IntEnum

from nura_rt.protocol import codec
from nura_rt.protocol.server import ServerFrame

WINDOW_BITS = 12  # what compressed frames need of the peer: a window of 4 KiB
MEMORY_LEVEL = 5
_WORTH_COMPRESSING = 256
_TEXT = 0x81  # final, text
_COMPRESSED = 0x40  # RSV1 (RFC 7692 §6)


class Tier(IntEnum):
    """What may be shed for a slow client: ephemeral first, durable never silently, support last of all."""

    EPHEMERAL = 0
    DURABLE = 1
    SUPPORT = 2


class Payload:
    """Bytes of one frame and how much they matter."""

    __slots__ = ("_deflated", "_framed", "data", "tier")

    def __init__(self, data: bytes, tier: Tier = Tier.DURABLE) -> None:
        self.data = data
        self.tier = tier
        self._framed: bytes | None = None
        self._deflated: bytes | None = None

    @classmethod
    def of(cls, frame: ServerFrame, tier: Tier = Tier.DURABLE) -> "Payload":
        """Encodes a frame."""
        return cls(codec.encode(frame), tier)

    @property
    def framed(self) -> bytes:
        """The whole unmasked WebSocket text frame (RFC 6455 §5.2), made on first use."""
        if self._framed is None:
            self._framed = header(len(self.data)) + self.data
        return self._framed

    @property
    def deflated(self) -> bytes:
        """The same for a peer that inflates each message by itself; small ones stay as they are."""
        if self._deflated is None:
            self._deflated = _compressed(self.data) or self.framed
        return self._deflated


def header(length: int, first: int = _TEXT) -> bytes:
    """The header of an unmasked frame with `length` bytes of payload; `first` is its first octet."""
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


def _compressed(data: bytes) -> bytes | None:
    """A compressed text frame that needs no earlier one to be read; None where it would gain nothing."""
    if len(data) < _WORTH_COMPRESSING:
        return None
    press = zlib.compressobj(wbits=-WINDOW_BITS, memLevel=MEMORY_LEVEL)
    pressed = (press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]  # the peer adds the four octets
    if len(pressed) >= len(data):
        return None
    return header(len(pressed), _TEXT | _COMPRESSED) + pressed
