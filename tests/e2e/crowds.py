"""A room that is filled with much text for listeners who read it, or who do not: for `attackers.attacking`."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

from deaf import deaf, until_gone

from attackers import Strike
from peers import Peer, peer

# More than the kernel keeps for a peer that does not read (4 MiB): the rest stays in the server.
LARGE = {
    "LIMIT_FRAME_BYTES": "262144",
    "LIMIT_TEXT_CHARS": "100000",
    "LIMIT_SEND_BUFFER_HARD_BYTES": "262144",
}
LONG_TEXT = "wave " * 16_000
_LISTENERS = 2
_TIMES = 80  # after some seventy who does not read is let go


class Door(NamedTuple):
    """As much of an instance as a client needs."""

    port: int

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/socket"


def crowding(port: int) -> tuple[Strike, Strike]:
    """The attack and its rehearsal: both fill the room alike, once for the deaf and once for listeners."""
    return partial(crowd, port, hears=False), partial(crowd, port, hears=True)


async def crowd(port: int, *, hears: bool) -> None:
    """Some six megabytes for each of two; those who do not read are let go."""
    door: Any = Door(port)
    async with AsyncExitStack() as stack:
        speaker = await stack.enter_async_context(peer(door, "crowded"))
        room = await speaker.open_conversation()
        if hears:
            for _ in range(_LISTENERS):
                listener = await stack.enter_async_context(peer(door, "crowded"))
                await listener.join(room)
                stack.callback(asyncio.ensure_future(listener.silence(for_s=600)).cancel)
            await filled(speaker, room)
        else:
            silent = [await stack.enter_async_context(deaf(door, "crowded", room)) for _ in range(_LISTENERS)]
            await filled(speaker, room)
            await asyncio.gather(*(until_gone(one, within_s=30) for one in silent))


async def filled(speaker: Peer, room: str) -> None:
    for _ in range(_TIMES):
        await speaker.send(room, LONG_TEXT)
