"""The outlet over plain ASGI: in order, counted in bytes, and silent after the close."""

import asyncio
from typing import Any

from nura_rt.realtime.asgi_outlet import AsgiOutlet
from nura_rt.realtime.payload import Payload


class Wire:
    """An ASGI `send` that keeps what it was given, and can be held."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        self.sent.append(message)


async def test_frames_leave_in_order_and_the_close_comes_last() -> None:
    wire = Wire()
    outlet = AsgiOutlet(wire.send)
    for text in (b"1", b"2", b"3"):
        outlet.write(Payload(text))
    outlet.hang_up(4408, "slow")

    await outlet.pump()

    assert [message.get("text") for message in wire.sent] == ["1", "2", "3", None]
    assert wire.sent[-1] == {"type": "websocket.close", "code": 4408, "reason": "slow"}


async def test_nothing_is_sent_after_the_close() -> None:
    wire = Wire()
    outlet = AsgiOutlet(wire.send)
    outlet.hang_up(4408, "slow")
    outlet.write(Payload(b"late"))
    outlet.hang_up(4000, "draining")

    await outlet.pump()

    assert wire.sent == [{"type": "websocket.close", "code": 4408, "reason": "slow"}]


async def test_what_was_not_taken_is_counted_in_bytes() -> None:
    wire = Wire()
    outlet = AsgiOutlet(wire.send)
    wire.open.clear()
    outlet.write(Payload("é".encode()))
    outlet.write(Payload(b"12345"))
    pump = asyncio.create_task(outlet.pump())
    await asyncio.sleep(0)
    held = outlet.buffered()
    wire.open.set()
    outlet.hang_up(1000, "")
    await pump

    assert (held, outlet.buffered()) == (7, 0)
