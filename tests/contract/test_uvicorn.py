"""What realtime/transport.py takes for granted in uvicorn. When one of these fails, read the transport first."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.server import ServerProtocol

from servers import eventually
from uvicorn_server import raw_peer, serving

OURS = "nura.test"
GOOD = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
WITHIN_S = 10.0


class Spy(WebSocketsSansIOProtocol):
    """uvicorn's own protocol; hands itself to the app and writes down what uvicorn calls."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.called: list[str] = []
        self.reads: list[bytes] = []
        self.lost = asyncio.Event()

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        self.called.append("handle_connect")
        extensions: Any = self.scope["extensions"]
        extensions[OURS] = self

    def data_received(self, data: bytes) -> None:
        self.reads.append(data)
        super().data_received(data)

    def keepalive_timeout(self) -> None:
        self.called.append("keepalive_timeout")
        super().keepalive_timeout()

    def shutdown(self) -> None:
        self.called.append("shutdown")
        super().shutdown()

    def handle_parser_exception(self) -> None:
        self.called.append("handle_parser_exception")
        super().handle_parser_exception()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


class Guest:
    """An app that accepts and then reads only when asked to."""

    def __init__(self) -> None:
        self.spy: asyncio.Queue[Spy] = asyncio.Queue()
        self.read = asyncio.Event()
        self.got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        self.spy.put_nowait(scope["extensions"][OURS])
        await self.read.wait()
        while True:
            message = await receive()
            self.got.put_nowait(message)
            if message["type"] == "websocket.disconnect":
                return


@pytest.fixture
async def guest() -> AsyncIterator[tuple[Guest, int]]:
    ours = Guest()
    async with serving(ours.app, Spy) as port:
        yield ours, port
        ours.read.set()


def test_the_versions_are_those_that_were_read() -> None:
    assert uvicorn.__version__.startswith("0.54.")
    assert version("websockets").startswith("17.")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conn", ServerProtocol),
        ("handshake_initiated", bool),
        ("close_sent", bool),
        ("disconnected", bool),
        ("queue", asyncio.Queue),
        ("read_paused", bool),
        ("close_timer", type(None)),
        ("curr_msg_data_type", str),
        ("config", uvicorn.Config),
        ("loop", asyncio.AbstractEventLoop),
    ],
)
async def test_a_connection_begins_with_what_we_use(name: str, kind: type) -> None:
    config = uvicorn.Config(Guest().app, log_config=None, ws_ping_interval=None)

    fresh = WebSocketsSansIOProtocol(config, ServerState(), {})

    assert isinstance(getattr(fresh, name), kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("current_size", type(None)),
        ("parser_exc", type(None)),
        ("eof_sent", bool),
        ("close_sent", type(None)),
    ],
)
def test_the_parser_begins_with_what_we_use(name: str, kind: type) -> None:
    fresh = ServerProtocol()

    assert isinstance(getattr(fresh, name), kind)
    assert type(fresh.reader.buffer) is bytearray


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("connection_made", ["self", "transport"]),
        ("handle_connect", ["self", "event"]),
        ("handle_events", ["self"]),
        ("handle_text", ["self", "event"]),
        ("handle_bytes", ["self", "event"]),
        ("handle_cont", ["self", "event"]),
        ("handle_ping", ["self"]),
        ("handle_parser_exception", ["self"]),
        ("data_received", ["self", "data"]),
        ("receive", ["self"]),
        ("keepalive_timeout", ["self"]),
        ("shutdown", ["self"]),
        ("stop_keepalive", ["self"]),
    ],
)
def test_what_we_override_or_call_takes_what_we_give(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(WebSocketsSansIOProtocol, name)).parameters) == parameters


async def test_a_handshake_in_pieces_comes_to_the_protocol_in_one(guest: tuple[Guest, int]) -> None:
    ours, port = guest
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in (b"GET / HTTP/1.1\r\nHost: x\r\nUpgr", b"ade: websocket\r\nConnection: Upgrade\r\n", GOOD):
        writer.write(piece)
        await asyncio.sleep(0.02)
    spy = await asyncio.wait_for(ours.spy.get(), WITHIN_S)
    writer.transport.abort()

    assert len(spy.reads) == 1


async def test_the_app_sees_the_extensions_we_add_after_handle_connect(guest: tuple[Guest, int]) -> None:
    ours, port = guest
    async with connect(f"ws://127.0.0.1:{port}", compression=None):
        spy = await asyncio.wait_for(ours.spy.get(), WITHIN_S)

    assert spy.called == ["handle_connect"]


async def test_what_is_put_on_the_queue_is_what_the_app_receives(guest: tuple[Guest, int]) -> None:
    ours, port = guest
    async with connect(f"ws://127.0.0.1:{port}", compression=None):
        spy = await ours.spy.get()
        spy.queue.put_nowait({"type": "websocket.disconnect", "code": 4000, "reason": "told"})
        ours.read.set()
        message = await asyncio.wait_for(ours.got.get(), WITHIN_S)

    assert message == {"type": "websocket.disconnect", "code": 4000, "reason": "told"}


async def test_reading_pauses_with_one_message_unread_and_goes_on_when_it_is_taken(
    guest: tuple[Guest, int],
) -> None:
    ours, port = guest
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as peer:
        spy = await ours.spy.get()
        before = spy.read_paused
        await peer.send("one")
        await eventually(lambda: spy.read_paused)
        during = (spy.read_paused, spy.transport.is_reading())
        ours.read.set()
        await asyncio.wait_for(ours.got.get(), WITHIN_S)
        await asyncio.sleep(0)
        after = (spy.read_paused, spy.transport.is_reading())

    assert (before, during, after) == (False, (True, False), (False, True))


async def test_a_sent_close_ends_what_the_app_may_send_and_discards_what_comes(
    guest: tuple[Guest, int],
) -> None:
    ours, port = guest
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as peer:
        spy = await ours.spy.get()
        spy.close_sent = True
        await peer.send("ignored")
        await asyncio.sleep(0.05)
        unheard = spy.queue.empty() and not spy.read_paused
        with pytest.raises(RuntimeError):
            await spy.send({"type": "websocket.send", "text": "late", "bytes": None})
        spy.close_sent = False  # so that the handshake of the close is uvicorn's again

    assert unheard


async def test_a_lost_connection_is_known_and_its_close_timer_stopped(guest: tuple[Guest, int]) -> None:
    ours, port = guest
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as peer:
        spy = await ours.spy.get()
        timer = spy.close_timer = spy.loop.call_later(60, spy.transport.abort)
        before = spy.disconnected
        peer.transport.abort()
        await asyncio.wait_for(spy.lost.wait(), WITHIN_S)

    assert (before, spy.disconnected) == (False, True)
    assert timer.cancelled()


async def test_a_violation_of_the_protocol_is_handled_there(guest: tuple[Guest, int]) -> None:
    ours, port = guest
    async with raw_peer(port) as (reader, writer):
        spy = await ours.spy.get()
        writer.write(b"\x81\x02hi")  # a client's frame must be masked
        await asyncio.wait_for(reader.read(), WITHIN_S)

    assert "handle_parser_exception" in spy.called
    assert spy.close_sent


async def test_every_open_connection_is_told_that_the_server_stops() -> None:
    ours = Guest()
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(ours.app, Spy))
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as peer:
            spy = await ours.spy.get()
            ours.read.set()
            await stack.aclose()
            await asyncio.wait_for(peer.wait_closed(), WITHIN_S)

    assert spy.called == ["handle_connect", "shutdown"]
    assert peer.close_code == 1012


async def test_a_missing_pong_ends_in_keepalive_timeout() -> None:
    ours = Guest()
    async with (
        serving(ours.app, Spy, ws_ping_interval=0.05, ws_ping_timeout=0.05) as port,
        raw_peer(port) as (reader, _),
    ):
        spy = await ours.spy.get()
        ours.read.set()
        await asyncio.wait_for(reader.read(), WITHIN_S)

    assert "keepalive_timeout" in spy.called
    assert spy.close_sent
