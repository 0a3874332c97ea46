"""What our transport does that uvicorn does not: a peer that neither reads nor answers is freed."""

import asyncio
import contextlib
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from nura_rt.protocol.errors import Close
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from raw_websocket import close
from uvicorn_server import raw_peer, serving

WITHIN_S = 15.0


class Guest:
    """An app that hands its outlet to the test and reads until the end."""

    def __init__(self) -> None:
        self.outlet: asyncio.Queue[NuraWebSocket] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.told_before_it_was_cut = False

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        outlet = scope["extensions"][EXTENSION]
        self.outlet.put_nowait(outlet)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.told_before_it_was_cut = not outlet.disconnected
        self.ended.set()


async def lost(outlet: NuraWebSocket) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not outlet.disconnected:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
            await asyncio.sleep(0.01)


def clog(outlet: NuraWebSocket) -> None:
    """More than any socket buffer holds."""
    for _ in range(100):
        outlet.write(Payload(b"x" * 100_000))


@pytest.mark.parametrize("clogged", [False, True], ids=["silent", "clogged"])
async def test_a_peer_that_does_not_answer_the_close_is_cut(clogged: bool) -> None:
    guest = Guest()
    async with serving(guest.app, NuraWebSocket) as port, raw_peer(port):
        outlet = await guest.outlet.get()
        if clogged:
            clog(outlet)
        began = time.monotonic()
        outlet.hang_up(Close.SLOW, Close.SLOW.slug)
        await asyncio.wait_for(guest.ended.wait(), WITHIN_S)
        await lost(outlet)

    assert guest.told_before_it_was_cut
    assert time.monotonic() - began < WITHIN_S


async def test_a_peer_that_stopped_reading_is_freed_after_the_ping_timeout() -> None:
    guest = Guest()
    async with (
        serving(guest.app, NuraWebSocket, ws_ping_interval=0.1, ws_ping_timeout=0.1) as port,
        raw_peer(port),
    ):
        outlet = await guest.outlet.get()
        clog(outlet)
        await lost(outlet)

    assert guest.ended.is_set()


async def test_a_peer_that_stopped_reading_does_not_keep_the_server() -> None:
    guest = Guest()
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            serving(guest.app, NuraWebSocket, timeout_graceful_shutdown=60)
        )
        async with raw_peer(port):
            clog(await guest.outlet.get())
            began = time.monotonic()
            await stack.aclose()

    assert time.monotonic() - began < WITHIN_S


async def test_a_frame_over_the_limit_is_closed_with_our_code() -> None:
    guest = Guest()
    async with (
        serving(guest.app, NuraWebSocket, ws_max_size=1000) as port,
        connect(f"ws://127.0.0.1:{port}", compression=None) as peer,
    ):
        await peer.send("x" * 1001)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(peer.recv(), WITHIN_S)

    assert (peer.close_code, peer.close_reason) == (4504, "frame_too_large")


async def test_a_frame_at_the_limit_passes() -> None:
    guest = Guest()
    async with (
        serving(guest.app, NuraWebSocket, ws_max_size=1000) as port,
        connect(f"ws://127.0.0.1:{port}", compression=None) as peer,
    ):
        await peer.send("x" * 1000)
        outlet = await guest.outlet.get()
        outlet.write(Payload(b"still here"))
        answer = await asyncio.wait_for(peer.recv(), WITHIN_S)

    assert answer == "still here"


async def test_a_foreign_handshake_gets_no_outlet() -> None:
    guest = Guest()
    async with serving(guest.app, NuraWebSocket) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), WITHIN_S)
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 4")
    assert guest.outlet.empty()


@pytest.mark.parametrize("closed_first", ["by the peer", "by us"])
async def test_a_peer_that_closes_and_does_not_read_is_cut(closed_first: str) -> None:
    """Its close is heard, but what was written before the answer never leaves."""
    guest = Guest()
    async with serving(guest.app, NuraWebSocket) as port, raw_peer(port) as (_, writer):
        outlet = await guest.outlet.get()
        clog(outlet)
        began = time.monotonic()
        if closed_first == "by us":
            outlet.hang_up(Close.SLOW, Close.SLOW.slug)
        writer.write(close(1000))
        await lost(outlet)

    assert guest.ended.is_set()
    assert time.monotonic() - began < WITHIN_S
