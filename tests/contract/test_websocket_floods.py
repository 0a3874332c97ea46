"""What a session never sees (pings, fragments, a thousand frames in one read) costs little and is ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from echo_app import echoing
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.transport import EXTENSION, NuraWebSocket
from raw_websocket import CONT, PING, PONG, TEXT, Ended, Heard, close, frame, said, shaken
from servers import eventually
from uvicorn_server import raw_peer, serving

FLOODS = {
    "pings": (b"", frame(PING)),
    "long pings": (b"", frame(PING, b"x" * 125)),
    "pongs": (b"", frame(PONG)),
    "empty fragments": (frame(TEXT, fin=False), frame(CONT, fin=False)),
    "fragments of an octet": (frame(TEXT, fin=False), frame(CONT, b"x", fin=False)),
}


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing() as served:
        yield served


@pytest.mark.parametrize(("first", "again"), FLOODS.values(), ids=FLOODS)
async def test_a_flood_is_ended(port: int, first: bytes, again: bytes) -> None:
    heard = await said(port, first, again * 20_000, close())

    assert (heard.code, heard.reason, heard.after) == (4429, "too_fast", 0)
    assert len(heard.before) < 3_000
    last = json.loads(heard.before[-1].data)
    assert (last["type"], last["code"], last["temporary"], last["retry_after_ms"]) == (
        "error", "too_fast", True, 1000,
    )  # fmt: skip


async def test_pings_at_a_pace_are_no_flood(port: int) -> None:
    async with shaken(port) as peer:
        for number in range(200):
            await peer.send(frame(PING, b"%d" % number))
            assert await peer.hear() == Heard(PONG, b"%d" % number)
        await peer.send(close())
        heard = await peer.ended()

    assert heard == Ended([], 1000)


async def test_ten_thousand_messages_in_one_read_are_all_answered(port: int) -> None:
    texts = [b"%d" % number for number in range(10_000)]

    async with shaken(port) as peer:
        sending = asyncio.gather(peer.send(*(frame(TEXT, text) for text in texts), close()))
        heard = await peer.ended()
        await sending

    assert heard == Ended([Heard(TEXT, text) for text in texts], 1000)


class Counting:
    """An app that takes one message and then hangs up; its outlet is kept."""

    def __init__(self) -> None:
        self.outlets: list[NuraWebSocket] = []
        self.heard: list[str] = []

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None})
        outlet = scope["extensions"][EXTENSION]
        self.outlets.append(outlet)
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard.append(message["text"])
            if message["text"] == "enough":
                outlet.hang_up(4429, "too_fast")


async def test_after_the_hang_up_no_message_of_the_flood_reaches_the_app() -> None:
    ours = Counting()
    async with serving(ours.app, NuraWebSocket) as port:
        heard = await said(port, frame(TEXT, b"enough"), frame(TEXT, b"more") * 10_000, close(4429))

    assert (heard, ours.heard) == (Ended([], 4429, "too_fast"), ["enough"])


async def test_messages_the_app_has_not_taken_are_not_parsed_ahead() -> None:
    ours = Counting()
    async with serving(ours.app, NuraWebSocket) as port, shaken(port) as peer:
        await peer.send(frame(TEXT, b"x") * 5_000)
        await eventually(lambda: bool(ours.heard))
        longest = 0
        while len(ours.heard) < 5_000:
            longest = max(longest, ours.outlets[0].queue.qsize())
            await asyncio.sleep(0)

    assert longest <= 1


async def test_pongs_a_peer_does_not_take_are_not_kept_for_it() -> None:
    ours = Counting()
    async with serving(ours.app, NuraWebSocket) as port, raw_peer(port) as (_, writer):
        await eventually(lambda: bool(ours.outlets))
        outlet = ours.outlets[0]
        for _ in range(100):  # more than any socket buffer holds
            outlet.write(Payload(b"x" * 100_000))
        await asyncio.sleep(0.05)
        before = outlet.buffered()
        writer.write(frame(PING, b"x" * 125) * 1_000 + frame(TEXT, b"done"))
        await eventually(lambda: bool(ours.heard))
        after = outlet.buffered()

    assert before > 1_000_000
    assert after <= before


async def test_empty_fragments_leave_nothing_behind() -> None:
    ours = Counting()
    async with serving(ours.app, NuraWebSocket) as port, shaken(port) as peer:
        await peer.send(frame(TEXT, fin=False), frame(CONT, fin=False) * 1_000, frame(PING))
        await peer.hear()
        outlet = ours.outlets[0]
        kept = (len(outlet.frames), len(outlet.conn.held), outlet.queue.qsize())
        await peer.send(frame(CONT, b"whole"))
        await eventually(lambda: bool(ours.heard))

    assert (kept, ours.heard) == ((0, 0, 0), ["whole"])
