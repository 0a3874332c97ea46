"""A handshake that httptools takes and websockets does not is answered and over, and no socket keeps the server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from nura_rt.realtime.doorway import NuraHttp
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from raw_websocket import TEXT, close, frame
from servers import eventually
from uvicorn_server import raw_peer, serving

WITHIN_S = 10.0


def head(*more: str, target: str = "/") -> bytes:
    """A good handshake, and these lines."""
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


REFUSED: dict[str, tuple[bytes, int]] = {
    "a cookie of 9 KB": (head("Cookie: " + "x" * 9000), 431),
    "130 headers": (head(*(f"X-{number}: y" for number in range(130))), 431),
    "a target of 9 KB": (head(target="/" + "x" * 9000), 414),
    "a body": (head("Content-Length: 5") + b"hello", 400),
    "a body that does not come": (head("Content-Length: 5"), 400),
    "a body in chunks": (head("Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
}


class Guest:
    """An app that accepts when it may, and hears to the end."""

    def __init__(self) -> None:
        self.called = False
        self.may_accept = asyncio.Event()
        self.outlet: asyncio.Queue[NuraWebSocket] = asyncio.Queue()
        self.ended = asyncio.Event()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.called = True
        try:
            await receive()
            await self.may_accept.wait()
            await send({"type": "websocket.accept", "subprotocol": None})
            self.outlet.put_nowait(scope["extensions"][EXTENSION])
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended.set()


@asynccontextmanager
async def asked(
    port: int, *octets: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A new connection on which all this was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(octets))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(("octets", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_handshake_is_answered_and_over(octets: bytes, status: int) -> None:
    guest = Guest()
    async with serving(guest.app, NuraWebSocket, http=NuraHttp) as port, asked(port, octets) as (reader, _):
        answer = await asyncio.wait_for(reader.read(), WITHIN_S)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert not guest.called


@pytest.mark.parametrize("octets", [octets for octets, _ in REFUSED.values()], ids=REFUSED)
async def test_what_was_no_handshake_does_not_keep_the_server(octets: bytes) -> None:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            serving(Guest().app, NuraWebSocket, http=NuraHttp, timeout_graceful_shutdown=60)
        )
        async with asked(port, octets):
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await stack.aclose()  # raises what the server raised

    assert time.monotonic() - began < 3 * WITHIN_S


async def test_a_peer_that_closes_and_does_not_read_does_not_keep_the_server() -> None:
    guest = Guest()
    guest.may_accept.set()
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(guest.app, NuraWebSocket, http=NuraHttp))
        async with raw_peer(port) as (_, writer):
            outlet = await guest.outlet.get()
            for _ in range(100):
                outlet.write(Payload(b"x" * 100_000))
            writer.write(close(1000))
            await eventually(lambda: outlet.conn.close_rcvd)
            still_there = not outlet.disconnected
            await stack.aclose()

    assert still_there
    assert guest.ended.is_set()


async def test_who_speaks_nonsense_before_the_handshake_is_answered_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guest = Guest()
    async with (
        serving(guest.app, NuraWebSocket, http=NuraHttp) as port,
        asked(port, head()) as (reader, writer),
    ):
        await eventually(lambda: guest.called)
        writer.write(frame(TEXT, b"x", mask=False))
        answer = await asyncio.wait_for(reader.read(), WITHIN_S)
        guest.may_accept.set()
        await asyncio.wait_for(guest.ended.wait(), WITHIN_S)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert [record.exc_info for record in caplog.records if record.exc_info] == []
