"""An instance as the bus sees it: what it heard, and how often it was told to look."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nura_rt.cache import client
from nura_rt.realtime import channels
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters
from servers import eventually

Heard = tuple[str, int | None, int | None, bytes | None, Tier | None]


class Member:
    """One bus and what came of it."""

    def __init__(self, url: str, name: str) -> None:
        self.heard: list[Heard] = []
        self.resyncs = 0
        self.counters = Counters()
        self.bus = RedisBus(
            client.for_bus(url),
            instance=name,
            on_frame=self._hear,
            on_resync=self._resync,
            counters=self.counters,
        )

    def _hear(self, channel: str, seq: int | None, payload: Payload | None, prev: int | None = None) -> None:
        body, tier = (payload.data, payload.tier) if payload else (None, None)
        self.heard.append((channel, seq, prev, body, tier))

    def _resync(self) -> None:
        self.resyncs += 1

    def seqs(self, channel: str) -> list[int | None]:
        """Of one channel, as they came."""
        return [seq for name, seq, *_ in self.heard if name == channel]

    async def listen(self, *names: str) -> None:
        """Returns when Redis has confirmed all of them."""
        for name in names:
            self.bus.want(name)
        for name in names:
            await self.confirmed(name)

    def hears(self, name: str) -> bool:
        """Whether Redis has confirmed the channel, and nothing ended it since."""
        line = self.bus._line_of(name)
        return line is not None and name in line.confirmed

    async def confirmed(self, name: str) -> None:
        """Returns when the channel is listened to; also through a time without Redis."""
        deadline = time.monotonic() + 60
        while not await self.bus.confirmed(name, timeout_s=1):
            assert time.monotonic() < deadline, name
            await asyncio.sleep(0.02)

    def say(self, channel: str, seq: int | None, body: bytes = b"{}", prev: int | None = None) -> None:
        """Publishes a durable frame."""
        self.bus.publish(channel, seq, Payload(body), prev)


@asynccontextmanager
async def member(url: str, name: str) -> AsyncIterator[Member]:
    """At work and connected; ended with the block."""
    one = Member(url, name)
    task = asyncio.ensure_future(one.bus.run_for_ever())
    try:
        await eventually(lambda: one.bus.connected or task.done())
        yield one
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait([task])


def conversation(number: int = 0) -> str:
    """Names of channels; they lie on different masters of a cluster."""
    return channels.conversation(f"c{number}")
