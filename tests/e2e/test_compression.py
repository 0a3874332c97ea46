"""WS_DEFLATE=on compresses what a real server says, for a client that offers it; without it nothing is offered."""

import json
import zlib

import pytest

from hostile import hello
from raw_websocket import Heard, Raw, shaken
from servers import StartInstance

pytestmark = pytest.mark.slow

SUBPROTOCOL = "Sec-WebSocket-Protocol: nura.v1"
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
COMPRESSED = 4  # RSV1


def inflated(one: Heard) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(one.data + b"\0\0\xff\xff")


async def next_heard(raw: Raw) -> Heard:
    one = await raw.hear()
    assert one is not None
    return one


async def test_a_server_told_to_compresses_for_who_offers_it_and_for_nobody_else(
    start_instance: StartInstance,
) -> None:
    port = start_instance(WS_DEFLATE="on").port
    async with (
        shaken(port, "/v1/socket", headers=[SUBPROTOCOL, OFFER]) as offering,
        shaken(port, "/v1/socket", headers=[SUBPROTOCOL]) as plain,
    ):
        for raw in (offering, plain):
            await raw.send(hello("packed"))
        packed, unpacked = await next_heard(offering), await next_heard(plain)

    assert "permessage-deflate" in offering.answer
    assert "permessage-deflate" not in plain.answer
    assert (packed.rsv, unpacked.rsv) == (COMPRESSED, 0)
    assert len(packed.data) < len(unpacked.data)
    assert json.loads(inflated(packed))["type"] == json.loads(unpacked.data)["type"] == "welcome"
