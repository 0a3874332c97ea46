"""Our transport on a real uvicorn is corked: the order on the wire is that of the calls, in as few sends as turns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from nura_rt.protocol.errors import Close
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, Ended, Heard, close, frame, shaken
from uvicorn_server import serving

Act = Callable[[NuraWebSocket, Callable[[Any], Awaitable[None]]], Awaitable[None]]
SLOW = Heard(CLOSE, int(Close.SLOW).to_bytes(2) + b"slow")


class Counted:
    """A transport that remembers its sends."""

    def __init__(self, transport: asyncio.Transport, sends: list[int]) -> None:
        self._transport = transport
        self._sends = sends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._sends.append(len(data))
        self._transport.write(data)


class Watched(NuraWebSocket):
    """Ours, on a transport that is counted beneath the cork."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.sends: list[int] = []
        counted = Counted(cast("asyncio.Transport", transport), self.sends)
        super().connection_made(cast("asyncio.BaseTransport", counted))


async def heard_of(act: Act) -> tuple[list[Heard], list[int]]:
    """What a peer hears of an app that does this, and the sends it took (the handshake's left out)."""
    sends: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        outlet = scope["extensions"][EXTENSION]
        await receive()  # the handshake has left
        outlet.sends.clear()
        await act(outlet, send)
        outlet.hang_up(Close.SLOW, Close.SLOW.slug)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        await asyncio.sleep(0)
        sends.extend(outlet.sends)

    async with serving(app, Watched) as port, shaken(port) as peer:
        await peer.send(frame(TEXT, b"go"))
        heard: list[Heard] = []
        while not heard or heard[-1].opcode != CLOSE:
            one = await peer.hear()
            assert one is not None
            heard.append(one)
        await peer.send(close(Close.SLOW))
        assert await peer.ended() == Ended([], None)
    return heard, sends


async def test_frames_and_the_close_of_one_turn_leave_in_one_send() -> None:
    async def act(outlet: NuraWebSocket, send: Any) -> None:
        for number in range(20):
            outlet.write(Payload(b"%d" % number))

    heard, sends = await heard_of(act)

    assert heard == [*(Heard(TEXT, b"%d" % number) for number in range(20)), SLOW]
    assert len(sends) == 1


async def test_asgi_sends_and_outlet_writes_keep_their_order() -> None:
    async def act(outlet: NuraWebSocket, send: Any) -> None:
        for number in range(50):
            outlet.write(Payload(b"written %d" % number))
            await send({"type": "websocket.send", "bytes": b"sent %d" % number, "text": None})

    heard, _ = await heard_of(act)

    pairs = [(Heard(TEXT, b"written %d" % n), Heard(BINARY, b"sent %d" % n)) for n in range(50)]
    assert heard == [*(one for pair in pairs for one in pair), SLOW]


async def test_keepalive_pings_keep_their_order() -> None:
    async def act(outlet: NuraWebSocket, send: Any) -> None:
        outlet.write(Payload(b"before"))
        outlet.send_keepalive_ping()
        outlet.write(Payload(b"after"))

    heard, sends = await heard_of(act)

    assert [one.opcode for one in heard] == [TEXT, PING, TEXT, CLOSE]
    assert [one.data for one in heard][::2] == [b"before", b"after"]
    assert len(sends) == 1


@pytest.mark.parametrize("many", [1, 3, 200])
async def test_what_waits_is_buffered(many: int) -> None:
    buffered: list[int] = []

    async def act(outlet: NuraWebSocket, send: Any) -> None:
        for _ in range(many):
            outlet.write(Payload(b"x" * 100))
        buffered.append(outlet.buffered())

    await heard_of(act)

    assert buffered == [many * 102]


async def test_turns_have_sends_of_their_own() -> None:
    async def act(outlet: NuraWebSocket, send: Any) -> None:
        for number in range(3):
            outlet.write(Payload(b"%d" % number))
            await asyncio.sleep(0.01)

    heard, sends = await heard_of(act)

    assert [one.data for one in heard] == [b"0", b"1", b"2", SLOW.data]
    assert sends == [3, 3, 3, len(SLOW.data) + 2]


async def test_ten_pings_of_one_read_get_ten_pongs_in_one_send() -> None:
    async def act(outlet: NuraWebSocket, send: Any) -> None:
        outlet.data_received(b"".join(frame(PING, b"%d" % number) for number in range(10)))

    heard, sends = await heard_of(act)

    assert heard == [*(Heard(PONG, b"%d" % number) for number in range(10)), SLOW]
    assert len(sends) == 1
