"""What is written in one turn of the loop leaves in one send, in order; only the transport is made up here."""

import asyncio
from typing import Any, cast

import pytest

from nura_rt.realtime.cork import Corked


class Wire:
    """A transport that takes everything and remembers each send."""

    def __init__(self, *, fails: bool = False) -> None:
        self.did: list[bytes | str] = []
        self.closing = False
        self.taken = 0
        self.fails = fails

    def write(self, data: bytes) -> None:
        if self.fails:
            raise RuntimeError("broken")
        self.did.append(data)
        self.taken += len(data)

    def get_write_buffer_size(self) -> int:
        return self.taken

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.did.append("close")
        self.closing = True

    def abort(self) -> None:
        self.did.append("abort")
        self.closing = True

    def write_eof(self) -> None:
        self.did.append("eof")


def corked(wire: Wire) -> Corked:
    return Corked(cast("asyncio.Transport", wire), asyncio.get_running_loop())


async def turn() -> None:
    """Until what was ready has run."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_writes_of_one_turn_leave_in_one_send() -> None:
    wire = Wire()
    ours = corked(wire)

    for data in (b"one ", b"", b"two ", b"three"):
        ours.write(data)
    at_once = list(wire.did)
    await turn()

    assert (at_once, wire.did) == ([], [b"one two three"])


async def test_each_turn_has_its_own_send() -> None:
    wire = Wire()
    ours = corked(wire)

    for data in (b"one", b"two"):
        ours.write(data)
        await turn()

    assert wire.did == [b"one", b"two"]


async def test_one_callback_uncorks_every_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    scheduled: list[object] = []
    soon = loop.call_soon
    wires = [Wire() for _ in range(10)]
    members = [corked(wire) for wire in wires]

    def counted(callback: Any, *args: Any, **more: Any) -> asyncio.Handle:
        scheduled.append(callback)
        return soon(callback, *args, **more)

    monkeypatch.setattr(loop, "call_soon", counted)
    for member in members * 3:
        member.write(b"x")
    monkeypatch.undo()
    await turn()

    assert len(scheduled) == 1
    assert [wire.did for wire in wires] == [[b"xxx"]] * 10


async def test_what_waits_counts_as_buffered() -> None:
    wire = Wire()
    ours = corked(wire)

    ours.write(b"x" * 1000)
    before = ours.get_write_buffer_size()
    await turn()

    assert (before, ours.get_write_buffer_size()) == (1000, 1000)


async def test_64_kib_are_not_held_back() -> None:
    wire = Wire()
    ours = corked(wire)

    for _ in range(5):
        ours.write(b"x" * 30_000)
    at_once = list(wire.did)
    await turn()

    assert [len(data) for data in at_once] == [90_000]
    assert [len(data) for data in wire.did] == [90_000, 60_000]


@pytest.mark.parametrize(("act", "did"), [("close", "close"), ("write_eof", "eof")])
async def test_what_waits_leaves_before_the_end(act: str, did: str) -> None:
    wire = Wire()
    ours = corked(wire)

    ours.write(b"last words")
    getattr(ours, act)()
    await turn()

    assert wire.did == [b"last words", did]


async def test_an_abort_drops_what_waits() -> None:
    wire = Wire()
    ours = corked(wire)

    ours.write(b"too late")
    ours.abort()
    await turn()

    assert (wire.did, ours.get_write_buffer_size()) == (["abort"], 0)


async def test_a_closing_transport_is_not_written_to() -> None:
    wire = Wire()
    ours = corked(wire)

    ours.write(b"too late")
    wire.closing = True
    await turn()

    assert (wire.did, ours.get_write_buffer_size()) == ([], 0)


async def test_one_sockets_trouble_is_not_the_others() -> None:
    wires = [Wire(), Wire(fails=True), Wire()]

    for wire in wires:
        corked(wire).write(b"x")
    await turn()

    assert [wire.did for wire in wires] == [[b"x"], ["abort"], [b"x"]]


async def test_what_it_does_not_know_is_the_transports_own() -> None:
    wire = Wire()

    assert corked(wire).is_closing() is False
