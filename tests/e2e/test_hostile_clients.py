"""A hostile client hurts only itself: it is told and closed, and memory stays bounded, at its peak too.

What others feel of it: tests/e2e/test_neighbours_of_foes.py.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from crowds import LARGE, LONG_TEXT
from deaf import deaf, until_gone

from floods import FLOODS, OPEN_DOOR, TINY
from hostile import attacked, foe, heaviest, hello, poured, text, told, weighed_anew
from nura_rt.embedded.stack import Addresses
from peers import Peer, peer
from raw_websocket import BINARY, CONT, TEXT, Ended, Raw, close, frame
from servers import RAISED, Instance, StartInstance, environ_of, eventually

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
POURED = 128 * MIB
GROWTH = 16 * MIB  # of which it takes one or two
TROUBLE = ("a session failed", "work failed", "nobody caught", "Traceback", "could not be written")
AT_MOST = 1000  # times 80 KB, far more than memory may grow by


@pytest.fixture(scope="module")
def besieged(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """The instance everything here is done to; at the end it must not have stumbled once."""
    (folder / "besieged").mkdir()
    instance = Instance(folder / "besieged", {**environ_of(stores), **OPEN_DOOR}).start()
    yield instance
    instance.stop()
    assert [line for line in instance.log.splitlines() if any(words in line for words in TROUBLE)] == []


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_flood_is_told_to_wait_and_closed_too_fast_and_weighs_little(
    besieged: Instance, flood: Callable[[], bytes]
) -> None:
    weighed = weighed_anew(besieged)

    ended = await poured(besieged, hello("foe"), flood(), at_most=POURED)

    assert (ended.code, ended.after) == (4429, 0)
    assert was_told_to_wait(ended)
    assert heaviest(besieged) - weighed < GROWTH


def was_told_to_wait(ended: Ended) -> bool:
    """The last words before the close: later is better, and when."""
    last = told(ended)[-1:]
    return [one["type"] == "error" and one["temporary"] and one["retry_after_ms"] > 0 for one in last] == [
        True
    ]


# What breaks a rule outright, and its close code.
BREACHES: dict[str, tuple[bytes, int]] = {
    "forty megabytes in fragments": (TINY + frame(CONT, b"1" * 8_000, fin=False) * 5_000, 4504),
    "a frame over the limit": (frame(TEXT, b"x" * 65_537), 4504),
    "a frame that says it is huge": (frame(TEXT, b"x", says=2**62), 4504),
    "invalid UTF-8": (frame(TEXT, b'{"type":"\xff"}'), 1007),
    "invalid UTF-8 in a fragment": (TINY + frame(CONT, b"\xed\xa0\x80", fin=False), 1007),
    "half a character": (TINY + frame(CONT, b"\xe2\x82"), 1007),
    "binary": (frame(BINARY, b"\x00" * 1000), 4502),
    "a second hello": (hello("foe"), 4502),
    "40,000 times nonsense": (frame(TEXT, b"[" * 1000) * 40_000, 4502),
    "a frame without a mask": (frame(TEXT, b"{}", mask=False), 1002),
    "reserved bits": (frame(TEXT, b"{}", rsv=4), 1002),
}


@pytest.mark.parametrize(("breach", "code"), BREACHES.values(), ids=BREACHES)
async def test_a_breach_gets_its_close_code(besieged: Instance, breach: bytes, code: int) -> None:
    weighed = weighed_anew(besieged)

    ended = await attacked(besieged, hello("foe"), breach)

    assert (ended.code, ended.after) == (code, 0)
    assert heaviest(besieged) - weighed < GROWTH


async def test_who_never_reads_and_who_reads_too_late_are_let_go_while_their_room_goes_on(
    start_instance: StartInstance,
) -> None:
    instance = start_instance(**RAISED, **LARGE)
    async with AsyncExitStack() as stack:
        speaker, crowd = [await stack.enter_async_context(peer(instance, "crowded")) for _ in range(2)]
        room = await speaker.open_conversation()
        await crowd.join(room)
        hearing = asyncio.create_task(crowd.silence(for_s=240))
        stack.callback(hearing.cancel)
        await filled(speaker, room, lambda: False, 30)
        late = await stack.enter_async_context(foe(instance))
        await late.send(hello("crowded"), text("subscribe", ref="r", channel=f"conversation:{room}"))
        never = await stack.enter_async_context(deaf(instance, "crowded", room))
        await eventually(lambda: open_sockets(crowd) == 4)
        weighed = weighed_anew(instance)

        await filled(speaker, room, lambda: open_sockets(crowd) == 2, AT_MOST)

        grown = heaviest(instance) - weighed
        ended = await late.ended()  # it begins to read
        await until_gone(never, within_s=60)

    assert ended.code == 4408
    assert grown < GROWTH


def open_sockets(one: Peer) -> int:
    """How many the person has, as one of the devices was last told."""
    return int([frame["connections"] for frame in one.heard if frame["type"] == "presence"][-1])


async def filled(speaker: Peer, room: str, enough: Callable[[], bool], at_most: int) -> None:
    """So many times 80 KB for whoever listens, or until it is enough."""
    for _ in range(at_most):
        await speaker.send(room, LONG_TEXT)
        if enough():
            return


ANSWERS = b"".join(text("ping", t=number) for number in range(50))


@pytest.mark.parametrize("wait_s", [0.0, 0.005, 0.02, 0.1])
@pytest.mark.parametrize("how", ["close", "end", "reset"])
async def test_a_close_at_any_moment_leaves_nothing_behind(
    besieged: Instance, wait_s: float, how: str
) -> None:
    async with peer(besieged, f"racer-{how}-{wait_s}") as kept:
        room = await kept.open_conversation()
        said = [
            text("message.send", ref=str(n), conversation_id=room, client_id=f"{n}", text="good evening")
            for n in range(20)
        ]
        join = text("subscribe", ref="r", channel=f"conversation:{room}", since=0)
        for _ in range(3):
            async with foe(besieged) as raw:
                await raw.send(hello(f"racer-{how}-{wait_s}"), join, *said, ANSWERS)
                await asyncio.sleep(wait_s)
                ended = await left(raw, how)
            assert ended is None or (ended.code, ended.after) == (1000, 0)

        await kept.say("ping", t=1)
        await kept.hear("pong")
        await kept.collect(lambda _: open_sockets(kept) == 1)
        assert await kept.send(room, "good evening", client_id="0")


async def left(raw: Raw, how: str) -> Ended | None:
    """Goes: with a close frame, by ending its direction, or with a reset."""
    if how == "reset":
        raw.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        raw.writer.transport.abort()
        return None
    if how == "end":
        raw.writer.write_eof()
        await raw.ended()
        return None
    await raw.send(close())
    return await raw.ended()
