"""What the product itself says to a peer that breaks the WebSocket protocol, before and after hello."""

import json

import pytest

from raw_websocket import BINARY, CONT, PING, PONG, TEXT, Ended, Heard, Raw, close, frame, shaken
from servers import Instance, token

SUBPROTOCOL = ["Sec-WebSocket-Protocol: nura.v1"]
REFUSED = {
    "binary": (frame(BINARY, b"{}"), 4502, "protocol_violation"),
    "text that is no text": (frame(TEXT, b'{"type":"ping","t":"\xff"}'), 1007, "invalid UTF-8"),
    "a fragment that is no text": (frame(TEXT, b"\xc0", fin=False), 1007, "invalid UTF-8"),
    "no mask": (frame(TEXT, b"{}", mask=False), 1002, None),
    "a reserved bit": (frame(TEXT, b"{}", rsv=4), 1002, None),
    "a reserved opcode": (frame(3, b"{}"), 1002, None),
    "a continuation of nothing": (frame(CONT, b"{}"), 1002, None),
    "a long ping": (frame(PING, b"x" * 126), 1002, None),
    "an impossible close code": (close(1005), 1002, None),
    "too large": (frame(TEXT, b" " * 65_537), 4504, "frame_too_large"),
    "far too large": (frame(TEXT, b" " * 5_000_000), 4504, "frame_too_large"),
    "a flood of pings": (frame(PING) * 20_000, 4429, "too_fast"),
    "a clean goodbye": (close(1000, b"bye"), 1000, "bye"),
}


async def hello(peer: Raw) -> None:
    await peer.send(frame(TEXT, json.dumps({"type": "hello", "token": token("alice")}).encode()))
    welcome = await peer.hear()
    assert welcome is not None
    assert json.loads(welcome.data)["type"] == "welcome"


@pytest.mark.parametrize(("sent", "code", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("known", [False, True], ids=["stranger", "known"])
async def test_the_peer_learns_why(
    instance: Instance, known: bool, sent: bytes, code: int, reason: str | None
) -> None:
    async with shaken(instance.port, "/v1/socket", headers=SUBPROTOCOL) as peer:
        if known:
            await hello(peer)
        await peer.send(sent)
        heard = await peer.ended()

    assert heard.code == code
    assert reason in (None, heard.reason)
    assert {one.opcode for one in heard.before} <= {PONG, TEXT}


async def test_a_ping_before_hello_is_answered(instance: Instance) -> None:
    async with shaken(instance.port, "/v1/socket", headers=SUBPROTOCOL) as peer:
        await peer.send(frame(PING, b"first"), close())
        heard = await peer.ended()

    assert heard == Ended([Heard(PONG, b"first")], 1000)


async def test_compression_is_not_offered_by_itself(instance: Instance) -> None:
    headers = [*SUBPROTOCOL, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]

    async with shaken(instance.port, "/v1/socket", headers=headers) as peer:
        await hello(peer)

    assert "permessage" not in peer.answer
