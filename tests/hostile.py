"""What hostile clients need in tests: bytes no friend sends, what a process weighs, and who lives beside them."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from peers import Peer
from raw_websocket import TEXT, Ended, Raw, frame, shaken
from servers import Instance, token

_PACE_S = 0.01


class Place(Protocol):
    """Where a server listens: an `Instance` is one."""

    @property
    def port(self) -> int: ...


def text(kind: str, **fields: Any) -> bytes:
    """A protocol frame as the octets a client sends."""
    return frame(TEXT, json.dumps({"type": kind, **fields}).encode())


def hello(name: str) -> bytes:
    """The first frame of this person."""
    return text("hello", token=token(name))


@asynccontextmanager
async def foe(place: Place, *headers: str) -> AsyncIterator[Raw]:
    """A socket on which anything may be written; it has not said hello."""
    wanted = ("Sec-WebSocket-Protocol: nura.v1", *headers)
    async with shaken(place.port, "/v1/socket", headers=wanted) as raw:
        yield raw


async def attacked(place: Place, *chunks: bytes) -> Ended:
    """A new socket says all this while it listens; what it heard to the end."""
    async with foe(place) as raw:
        _, ended = await asyncio.gather(raw.send(*chunks), raw.ended())
        return ended


async def poured(place: Place, first: bytes, again: bytes, *, at_most: int) -> Ended:
    """As `attacked`, and `again` is said until the server has cut the socket or so many bytes have left."""
    async with foe(place) as raw:

        async def pour() -> None:
            await raw.send(first)
            for _ in range(at_most // len(again)):
                if raw.writer.transport.is_closing():
                    return
                await raw.send(again)

        pouring = asyncio.create_task(pour())
        ended = await raw.ended()
        pouring.cancel()
        return ended


def told(ended: Ended) -> list[dict[str, Any]]:
    """The protocol frames before the close."""
    return [json.loads(one.data) for one in ended.before if one.opcode == TEXT]


def weight(instance: Instance) -> int:
    """Bytes of memory the process has (RSS)."""
    return _status(instance, "VmRSS")


def weighed_anew(instance: Instance) -> int:
    """As `weight`; from here on `heaviest` counts."""
    assert instance.process is not None
    Path(f"/proc/{instance.process.pid}/clear_refs").write_text("5")  # proc(5): resets the peak
    return weight(instance)


def heaviest(instance: Instance) -> int:
    """The most bytes of memory the process has had since it was `weighed_anew`, if only for a moment."""
    return _status(instance, "VmHWM")


def _status(instance: Instance, name: str) -> int:
    assert instance.process is not None
    status = Path(f"/proc/{instance.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))


class Neighbour:
    """A friendly client that says something every now and then, and looks how long `accepted` takes."""

    def __init__(self, peer: Peer, conversation_id: str, *, pace_s: float = _PACE_S) -> None:
        self._peer = peer
        self._conversation_id = conversation_id
        self._pace_s = pace_s

    async def waits(self, count: int) -> list[float]:
        """Seconds from send to `accepted`, so many times."""
        waited = []
        for _ in range(count):
            await asyncio.sleep(self._pace_s)
            began = time.perf_counter()
            await self._peer.send(self._conversation_id, "step", client_id=uuid.uuid4().hex)
            waited.append(time.perf_counter() - began)
        return waited
