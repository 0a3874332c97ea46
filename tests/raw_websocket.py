"""A WebSocket client that writes whatever it is told, right or wrong, octet by octet (RFC 6455 §5)."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
WITHIN_S = 20.0
_MASK = b"\x37\xfa\x21\x3d"


class Heard(NamedTuple):
    """One frame from the server."""

    opcode: int
    data: bytes
    fin: bool = True
    rsv: int = 0


class Ended(NamedTuple):
    """Everything the server said until it ended the TCP connection: what came before the close, and its code.

    `code` is None without a close frame, 1005 where it is empty.
    """

    before: list[Heard]
    code: int | None
    reason: str = ""
    after: int = 0  # frames behind the close: there must be none


def masked(data: bytes) -> bytes:
    """The data under our mask."""
    wide = int.from_bytes((_MASK * (len(data) // 4 + 1))[: len(data)], "little")
    return (int.from_bytes(data, "little") ^ wide).to_bytes(len(data), "little")


def frame(
    opcode: int,
    data: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bool = True,
    says: int | None = None,
) -> bytes:
    """A client's frame; `says` is the length it claims where that is a lie."""
    length = len(data) if says is None else says
    flag = 0x80 if mask else 0
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if length < 126:
        head += bytes([flag | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", flag | 126, length)
    else:
        head += struct.pack("!BQ", flag | 127, length)
    return head + (_MASK + masked(data) if mask else data)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Raw:
    """A socket that has shaken hands. `answer` is the head of the server's answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: str) -> None:
        self._reader = reader
        self.writer = writer
        self.answer = answer

    async def send(self, *chunks: bytes, pieces: int | None = None) -> None:
        """Writes the octets; with `pieces`, so many in each segment."""
        data = b"".join(chunks)
        step = pieces or max(len(data), 1)
        with contextlib.suppress(ConnectionError):  # the server may have had enough
            for at in range(0, len(data), step):
                self.writer.write(data[at : at + step])
                await self.writer.drain()
                if pieces:
                    await asyncio.sleep(0)

    async def hear(self) -> Heard | None:
        """The next frame; None when the server ended the connection."""
        try:
            async with asyncio.timeout(WITHIN_S):
                first, second = await self._reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
                data = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        assert second < 0x80, "a server's frame must not be masked"
        return Heard(first & 0x0F, data, bool(first & 0x80), first >> 4 & 7)

    async def ended(self) -> Ended:
        """Hears to the end."""
        heard: list[Heard] = []
        while (one := await self.hear()) is not None:
            heard.append(one)
        closes = [number for number, one in enumerate(heard) if one.opcode == CLOSE]
        if not closes:
            return Ended(heard, None)
        data = heard[closes[0]].data
        code = struct.unpack("!H", data[:2])[0] if data else 1005
        return Ended(heard[: closes[0]], code, data[2:].decode(), len(heard) - closes[0] - 1)


@asynccontextmanager
async def shaken(port: int, path: str = "/", *, headers: Sequence[str] = ()) -> AsyncIterator[Raw]:
    """A socket after the handshake; asserts that the server agreed to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        async with asyncio.timeout(WITHIN_S):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert answer.startswith("HTTP/1.1 101 "), answer
        yield Raw(reader, writer, answer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def said(port: int, *chunks: bytes, pieces: int | None = None) -> Ended:
    """A new socket says all this; what the server answers until it ends the connection."""
    async with shaken(port) as peer:
        await peer.send(*chunks, pieces=pieces)
        return await peer.ended()
