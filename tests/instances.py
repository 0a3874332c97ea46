"""Parts of several instances in one process: hubs on a wire instead of a bus, sockets that only listen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from nura_rt.cache.leases import Leases
from nura_rt.protocol.errors import Close
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.presence import Presence, displaced_id
from nura_rt.realtime.roster import Roster
from nura_rt.telemetry import Counters


class Wire:
    """Between the instances. While `cut` nothing gets through."""

    def __init__(self) -> None:
        self.hubs: list[Hub] = []
        self.cut = False

    def publish(self, sender: Hub, channel: str, seq: int | None, payload: Payload, prev: int | None) -> None:
        for hub in self.hubs:
            if hub is not sender and not self.cut:
                hub.receive(channel, seq, payload, prev)


class End:
    """One hub's end of the wire: its relay."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.hub = Hub(self, on_gap=lambda channel: None)
        wire.hubs.append(self.hub)

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        self._wire.publish(self.hub, channel, seq, payload, prev)


class Socket:
    """A person's socket: what it heard, and why it was closed."""

    def __init__(self, name: str) -> None:
        self.connection = Connection(name, self, soft_bytes=10**6, hard_bytes=10**6)
        self.heard: list[Any] = []

    @property
    def closed(self) -> Close | None:
        """The code it was closed with."""
        return self.connection.closed

    @property
    def counts(self) -> list[int]:
        """Every number of connections it was told."""
        return [frame["connections"] for frame in self.heard if frame["type"] == "presence"]

    def hear(self, seq: int | None, payload: Payload) -> None:
        """On user:{id}."""
        if (displaced := displaced_id(payload.data)) is None:
            self.connection.send(payload)
        elif displaced == self.connection.id:
            self.connection.close(Close.DISPLACED)

    def write(self, payload: Payload) -> None:
        self.heard.append(msgspec.json.decode(payload.data))

    def buffered(self) -> int:
        return 0

    def hang_up(self, code: int, reason: str) -> None: ...


class House:
    """What of an instance knows who is here. `renewed` counts its pipelines."""

    def __init__(
        self,
        name: str,
        redis: Redis,
        wire: Wire,
        *,
        at_most: int = 20,
        lease_s: float = 900.0,
        refresh_s: float = 300.0,
    ) -> None:
        self.name = name
        self.hub = End(wire).hub
        self.roster = Roster()
        self.counters = Counters()
        self.leases = Leases(redis, self.counters, lease_s=lease_s, at_most=at_most)
        self.moment = 1_000_000.0
        self.presence = Presence(
            self.leases,
            self.hub,
            self.roster,
            instance=name,
            at_most=at_most,
            refresh_s=refresh_s,
            clock=lambda: self.moment,
        )

    def join(self, person_id: str, *, at: float = 0.0) -> Socket:
        """A socket opens at this second."""
        self.moment = 1_000_000.0 + at
        socket = Socket(f"{self.name}{len(self.roster)}at{at:g}")
        self.hub.join(channels.user(person_id), socket)
        self.roster.add(person_id, socket.connection)
        self.presence.join(person_id, socket.connection.id)
        return socket

    def leave(self, person_id: str, socket: Socket) -> None:
        """It is gone."""
        self.presence.leave(person_id, socket.connection.id)
        self.roster.remove(person_id, socket.connection)
        self.hub.leave(channels.user(person_id), socket)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["House"]:
        """Its task runs; leaving is a kill -9: nothing is given back."""
        task = asyncio.ensure_future(self.presence.run())
        try:
            yield self
        finally:
            assert not task.done()
            task.cancel()
