"""An encoded frame: JSON once, WebSocket frame once, however many sockets it goes to."""

import struct
from enum import IntEnum

from nura_rt.protocol import codec
from nura_rt.protocol.server import ServerFrame


class Tier(IntEnum):
    """What may be shed for a slow client: ephemeral first, durable never silently, support last of all."""

    EPHEMERAL = 0
    DURABLE = 1
    SUPPORT = 2


class Payload:
    """Bytes of one frame and how much they matter."""

    __slots__ = ("_framed", "data", "tier")

    def __init__(self, data: bytes, tier: Tier = Tier.DURABLE) -> None:
        self.data = data
        self.tier = tier
        self._framed: bytes | None = None

    @classmethod
    def of(cls, frame: ServerFrame, tier: Tier = Tier.DURABLE) -> "Payload":
        """Encodes a frame."""
        return cls(codec.encode(frame), tier)

    @property
    def framed(self) -> bytes:
        """The whole unmasked WebSocket text frame (RFC 6455 §5.2), made on first use."""
        if self._framed is None:
            self._framed = text_header(len(self.data)) + self.data
        return self._framed


def text_header(length: int) -> bytes:
    """The header of a final, unmasked text frame with `length` bytes of payload."""
    if length < 126:
        return bytes((0x81, length))
    if length < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, length)
    return struct.pack("!BBQ", 0x81, 127, length)
