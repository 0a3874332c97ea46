"""One suite over both outlets: our transport on uvicorn, and plain ASGI on uvicorn's stock WebSocket class."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from nura_rt.protocol.errors import Close
from nura_rt.realtime import transport
from nura_rt.realtime.asgi_outlet import AsgiOutlet
from nura_rt.realtime.connection import Outlet
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from uvicorn_server import raw_peer, serving

WITHIN_S = 20.0
Script = Callable[[Outlet], None]
BOUNDARIES = [0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 70_000]
SIZES = sorted({*BOUNDARIES, *range(0, 70_000, 997)})


class Stage:
    """An app whose socket does what the test's script says; keeps what went wrong in it."""

    def __init__(self, kind: type[asyncio.Protocol]) -> None:
        self.kind = kind
        self.port = 0
        self.script: Script = lambda _: None
        self.ended: asyncio.Queue[tuple[Outlet, BaseException | None]] = asyncio.Queue()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        outlet = scope["extensions"].get(EXTENSION)
        ended = self.ended
        ours: Outlet = outlet if outlet is not None else AsgiOutlet(send)
        error: BaseException | None = None
        try:
            await self._act(ours, receive)
        except BaseException as caught:
            error = caught
        ended.put_nowait((ours, error))

    async def _act(self, outlet: Outlet, receive: Callable[[], Awaitable[Any]]) -> None:
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(outlet.pump()) if isinstance(outlet, AsgiOutlet) else None
            self.script(outlet)
            while (await receive())["type"] != "websocket.disconnect":
                self.script(outlet)
            if pump is not None:
                pump.cancel()

    @asynccontextmanager
    async def peer(self, script: Script) -> AsyncIterator[ClientConnection]:
        self.script, self.ended = script, asyncio.Queue()  # no test hears the end of another's socket
        async with connect(f"ws://127.0.0.1:{self.port}", compression=None, max_size=None) as peer:
            yield peer


@pytest.fixture(scope="module", params=[NuraWebSocket, WebSocketsSansIOProtocol], ids=["transport", "asgi"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    made = Stage(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "_ABORT_AFTER_S", WITHIN_S)  # here every peer reads, if slowly
        async with serving(made.app, made.kind) as made.port:
            yield made


async def heard(peer: ClientConnection) -> tuple[list[str], int | None, str]:
    """Every text until the close, its code and its reason."""
    texts: list[str] = []
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(WITHIN_S):
            while True:
                texts.append(str(await peer.recv()))
    return texts, peer.close_code, peer.close_reason or ""


def played(*texts: str, close: Close = Close.INTERNAL) -> Script:
    def script(outlet: Outlet) -> None:
        for text in texts:
            outlet.write(Payload(text.encode()))
        outlet.hang_up(close, close.slug)

    return script


async def test_the_outlet_is_the_one_meant(stage: Stage) -> None:
    async with stage.peer(played()) as peer:
        await heard(peer)
        outlet, error = await asyncio.wait_for(stage.ended.get(), WITHIN_S)

    assert isinstance(outlet, NuraWebSocket) is (stage.kind is NuraWebSocket)
    assert error is None


async def test_frames_arrive_in_order(stage: Stage) -> None:
    texts = [f"frame {number}" for number in range(500)]

    async with stage.peer(played(*texts)) as peer:
        arrived, _, _ = await heard(peer)

    assert arrived == texts


async def test_every_size_arrives_intact(stage: Stage) -> None:
    texts = [("é" + "x" * size)[: size - 1] if size > 1 else "x" * size for size in SIZES]

    async with stage.peer(played(*texts)) as peer:
        arrived, _, _ = await heard(peer)

    assert [len(text.encode()) for text in arrived] == SIZES
    assert arrived == texts


async def test_a_frame_of_a_mebibyte_arrives_whole(stage: Stage) -> None:
    text = "0123456789abcdef" * 65_536

    async with stage.peer(played(text)) as peer:
        arrived, _, _ = await heard(peer)

    assert arrived == [text]


@pytest.mark.parametrize("code", list(Close))
async def test_code_and_slug_reach_the_peer(stage: Stage, code: Close) -> None:
    async with stage.peer(played("last words", close=code)) as peer:
        arrived = await heard(peer)

    assert arrived == (["last words"], int(code), code.slug)


async def test_nothing_comes_after_the_close(stage: Stage) -> None:
    def script(outlet: Outlet) -> None:
        played("before")(outlet)
        outlet.write(Payload(b"after"))
        outlet.hang_up(Close.SLOW, Close.SLOW.slug)

    stage.script = script
    close = b"\x88\x0a\x0f\xabinternal"
    async with asyncio.timeout(WITHIN_S), raw_peer(stage.port) as (reader, writer):
        before = await reader.readuntil(close)
        writer.write(b"\x88\x82\x00\x00\x00\x00\x0f\xab")  # the peer's answer, masked with zeros
        after = await reader.read()

    assert (before, after) == (b"\x81\x06before" + close, b"")


async def test_what_was_taken_is_no_longer_buffered(stage: Stage) -> None:
    async with stage.peer(lambda outlet: outlet.write(Payload(b"x" * 50_000))) as peer:
        await peer.recv()
        stage.script = played()
        await peer.send("go on")
        await heard(peer)
        outlet, _ = await asyncio.wait_for(stage.ended.get(), WITHIN_S)

    assert outlet.buffered() == 0


async def test_writing_to_a_peer_that_went_away_breaks_nothing(stage: Stage) -> None:
    def flood(outlet: Outlet) -> None:
        for _ in range(200):
            outlet.write(Payload(b"x" * 60_000))

    async with stage.peer(flood) as peer:
        await peer.recv()
        peer.transport.abort()
        outlet, error = await asyncio.wait_for(stage.ended.get(), WITHIN_S)
        outlet.write(Payload(b"late"))
        outlet.hang_up(Close.SLOW, Close.SLOW.slug)

    assert error is None
