"""What our HTTP protocol does that uvicorn's does not: who stalls is let go, who is only slow is served."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

import pytest

from nura_rt.realtime import doorway
from nura_rt.realtime.doorway import NuraHttp
from nura_rt.realtime.transport import NuraWebSocket
from uvicorn_server import serving

LARGE = 20_000_000  # several times what the kernel takes for a peer that does not read
PATIENCE_S = 0.3
WITHIN_S = 10.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
GET_AND_CLOSE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Generous:
    """An app that answers without reading, in so many pieces; a WebSocket it accepts."""

    def __init__(self, size: int = 2, pieces: int = 1) -> None:
        self._piece = b"x" * (size // pieces)
        self._pieces = pieces
        self._length = str(len(self._piece) * pieces).encode()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return
        headers = [(b"content-length", self._length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for left in range(self._pieces - 1, -1, -1):
            await send({"type": "http.response.body", "body": self._piece, "more_body": left > 0})


class Watched:
    """A door that tells when it lets a connection go; `held` are those that something still knows."""

    def __init__(self) -> None:
        gone = self.gone = asyncio.Event()
        held = self.held = WeakSet[NuraHttp]()

        class Door(NuraHttp):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                held.add(self)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                gone.set()

        self.door = Door


@asynccontextmanager
async def dialled(port: int, *, window: int = 4096) -> AsyncIterator[socket.socket]:
    """A socket from which only the test reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.setblocking(False)
    with contextlib.closing(client):
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        yield client


async def read_slowly(client: socket.socket, size: int) -> int:
    """Reads so much, the first two megabytes in five seconds; how much came."""
    loop = asyncio.get_running_loop()
    heard = 0
    while heard < size:
        await asyncio.sleep(0.16 if heard < 2_000_000 else 0)
        piece = await loop.sock_recv(client, 64_000)
        if not piece:
            break
        heard += len(piece)
    return heard


@pytest.fixture(params=["the kernel's patience", "our own"])
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "_TAKEN_WITHIN_S", PATIENCE_S, raising=False)
    if request.param == "our own":
        monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("request_", [GET, GET_AND_CLOSE], ids=["kept", "closed"])
@pytest.mark.parametrize("pieces", [1, 20])
async def test_who_does_not_read_the_answer_is_let_go(request_: bytes, pieces: int) -> None:
    watched = Watched()
    async with (
        serving(Generous(LARGE, pieces).app, NuraWebSocket, http=watched.door, timeout_keep_alive=1) as port,
        dialled(port) as client,
    ):
        await asyncio.get_running_loop().sock_sendall(client, request_)
        await asyncio.wait_for(watched.gone.wait(), WITHIN_S)


@pytest.mark.usefixtures("patience")
async def test_who_reads_slowly_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes nothing for longer than our patience: a third of its megabytes must have left before."""
    monkeypatch.setattr(doorway, "_TAKEN_WITHIN_S", 4 * PATIENCE_S, raising=False)
    size = LARGE // 2
    async with (
        serving(Generous(size).app, NuraWebSocket, http=NuraHttp) as port,
        dialled(port, window=128 * 1024) as client,
    ):
        await asyncio.get_running_loop().sock_sendall(client, GET_AND_CLOSE)
        heard = await read_slowly(client, size)

    assert heard >= size


@pytest.mark.parametrize(
    "octets",
    [(GET, b"\r\n"), (GET, b"\r\n", b"\r\n"), (GET, b"GET"), (POST, b"hello"), (POST, b"hello", b"\r\n")],
    ids=["a line end", "two", "a verb", "a body after its answer", "that and a line end"],
)
async def test_a_kept_connection_on_which_no_request_comes_is_closed(
    octets: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "_WITHIN_S", PATIENCE_S)
    watched = Watched()
    async with (
        serving(Generous().app, NuraWebSocket, http=watched.door, timeout_keep_alive=WITHIN_S * 2) as port,
        dialled(port) as client,
    ):
        for some in octets:
            await asyncio.get_running_loop().sock_sendall(client, some)
            await asyncio.sleep(0.1)
        await asyncio.wait_for(watched.gone.wait(), WITHIN_S)


async def test_a_kept_connection_goes_on_after_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "_WITHIN_S", PATIENCE_S)
    async with serving(Generous().app, NuraWebSocket, http=NuraHttp) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(6):
            writer.write(b"\r\n")
            await asyncio.sleep(0.02)
            writer.write(GET)
            answer = await asyncio.wait_for(reader.readuntil(b"xx"), WITHIN_S)
            await asyncio.sleep(PATIENCE_S / 3)
        writer.transport.abort()

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_an_upgraded_connection_is_the_doors_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "_WITHIN_S", 0.1)
    watched = Watched()
    async with serving(Generous().app, NuraWebSocket, http=watched.door) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"xx")
        writer.write(UPGRADE)
        answer = await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 5 * 0.1)
        gc.collect()
        held = set(watched.held)
        writer.transport.abort()

    assert answer.startswith(b"HTTP/1.1 101 ")
    assert held == set()  # no timer of it goes on


async def test_in_a_crowd_the_later_ones_are_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "_CROWD", 3, raising=False)
    monkeypatch.setattr(doorway, "_HURRIED_S", PATIENCE_S, raising=False)
    async with serving(Generous().app, NuraWebSocket, http=NuraHttp) as port:
        ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        for reader, _ in ends[3:]:
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), WITHIN_S)  # in peace it would be twice as long
        ends[0][1].write(GET)
        answer = await asyncio.wait_for(ends[0][0].readline(), WITHIN_S)
        waiting = [not reader.at_eof() for reader, _ in ends[:3]]
        for _, writer in ends:
            writer.transport.abort()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert waiting == [True] * 3
