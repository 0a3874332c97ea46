"""What hostile clients need in tests: bytes no friend sends, what a process weighs, and what a neighbour feels."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from peers import Peer
from raw_websocket import TEXT, Ended, Raw, frame, shaken
from servers import Instance, token

SAMPLES = 20
_PACE_S = 0.01
_AGAIN_S = 0.1  # one address may shake hands ten times a second


def text(kind: str, **fields: Any) -> bytes:
    """A protocol frame as the octets a client sends."""
    return frame(TEXT, json.dumps({"type": kind, **fields}).encode())


def hello(name: str) -> bytes:
    """The first frame of this person."""
    return text("hello", token=token(name))


@asynccontextmanager
async def foe(instance: Instance, *headers: str) -> AsyncIterator[Raw]:
    """A socket on which anything may be written; it has not said hello."""
    wanted = ("Sec-WebSocket-Protocol: nura.v1", *headers)
    async with shaken(instance.port, "/v1/socket", headers=wanted) as raw:
        yield raw


async def attacked(instance: Instance, *chunks: bytes) -> Ended:
    """A new socket says all this while it listens; what it heard to the end."""
    async with foe(instance) as raw:
        _, ended = await asyncio.gather(raw.send(*chunks), raw.ended())
        return ended


def told(ended: Ended) -> list[dict[str, Any]]:
    """The protocol frames before the close."""
    return [json.loads(one.data) for one in ended.before if one.opcode == TEXT]


def weight(instance: Instance) -> int:
    """Bytes of memory the process has (RSS)."""
    assert instance.process is not None
    status = Path(f"/proc/{instance.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


class Neighbour:
    """A friendly client that says something every now and then, and looks how long `accepted` takes."""

    def __init__(self, peer: Peer, conversation_id: str) -> None:
        self._peer = peer
        self._conversation_id = conversation_id

    async def waits(self, count: int = SAMPLES) -> list[float]:
        """Seconds from send to `accepted`, so many times."""
        waited = []
        for _ in range(count):
            await asyncio.sleep(_PACE_S)
            began = time.perf_counter()
            await self._peer.send(self._conversation_id, "step", client_id=uuid.uuid4().hex)
            waited.append(time.perf_counter() - began)
        return waited


async def repeated(
    attack: Callable[[], Awaitable[Ended]], neighbour: Neighbour
) -> tuple[list[Ended], list[float]]:
    """The attack again and again while the neighbour works: how each ended, and how long the neighbour waited."""
    ends: list[Ended] = []

    async def attack_on() -> None:
        while True:
            ends.append(await attack())
            await asyncio.sleep(_AGAIN_S)

    attacking = asyncio.create_task(attack_on())
    try:
        waited = await neighbour.waits()
        while not ends and not attacking.done():
            waited += await neighbour.waits(1)
    finally:
        attacking.cancel()
    outcome = await asyncio.gather(attacking, return_exceptions=True)
    assert isinstance(outcome[0], asyncio.CancelledError), outcome
    return ends, waited


def is_unaffected(before: list[float], during: list[float]) -> bool:
    """The middle of `during` is no worse than twice the worst of `before` and 50 ms.

    The median, because a machine's own pause (a checkpoint, another test) moves the few slowest of twenty, not it.
    """
    return statistics.median(during) <= 2 * max(before) + 0.05
