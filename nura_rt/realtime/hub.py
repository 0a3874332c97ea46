"""Channel -> the room of its listeners on this instance. What a room lacks is asked for by `on_gap`."""

from collections.abc import Callable, Iterable
from typing import Protocol

from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Rings
from nura_rt.realtime.room import Listener, Room


class Relay(Protocol):
    """The way to other instances (the bus)."""

    def want(self, channel: str) -> None:
        """Starts to receive the channel."""

    def drop(self, channel: str) -> None:
        """Stops to receive the channel."""

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        """Tells the other instances; at most once, never raises."""


class Hub:
    """All rooms of this instance."""

    def __init__(self, relay: Relay, on_gap: Callable[[str], None]) -> None:
        self._relay = relay
        self._on_gap = on_gap
        self._rooms: dict[str, Room] = {}
        self._rings = Rings()

    def join(self, channel: str, listener: Listener) -> Room:
        """From now on the listener hears the channel. The instance subscribes when it is the first."""
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = Room(self._rings)
            self._relay.want(channel)
        room.listeners[listener] = None
        return room

    def leave(self, channel: str, listener: Listener) -> None:
        """The listener hears it no more; the last one out ends the instance's subscription."""
        room = self._rooms.get(channel)
        if room is None or listener not in room.listeners:
            return
        del room.listeners[listener]
        if not room.listeners:
            del self._rooms[channel]
            room.close()
            self._relay.drop(channel)

    def room(self, channel: str) -> Room | None:
        """The channel's room, if anybody here listens."""
        return self._rooms.get(channel)

    def rooms(self) -> Iterable[tuple[str, Room]]:
        """Every channel with a listener here, and its room."""
        return tuple(self._rooms.items())

    def settle(self, channel: str, head: int, *, owner: str | None = None) -> None:
        """Tells the room what PostgreSQL knows, at a join and after a suspected loss."""
        room = self._rooms.get(channel)
        if room is None:
            return
        room.owner = owner or room.owner
        room.settle(head)
        if room.has_gap:
            self._on_gap(channel)

    def publish(
        self,
        channel: str,
        payload: Payload,
        *,
        seq: int | None = None,
        prev: int | None = None,
        but: Listener | None = None,
    ) -> None:
        """To the listeners here at once, and to the other instances by the relay. `but` does not hear it."""
        self.receive(channel, seq, payload, prev, but=but)
        self._relay.publish(channel, seq, payload, prev)

    def announce(self, channel: str, seq: int) -> None:
        """Says only that seq exists; whoever lacks it reads it from PostgreSQL."""
        self.receive(channel, seq, None)
        self._relay.publish(channel, seq, Payload(b""))

    def receive(
        self,
        channel: str,
        seq: int | None,
        payload: Payload | None,
        prev: int | None = None,
        *,
        but: Listener | None = None,
    ) -> None:
        """A frame that reached this instance; without seq it is handed on as it comes."""
        room = self._rooms.get(channel)
        if room is None:
            return
        if seq is None:
            if payload is not None:
                room.say(None, payload, but=but)
            return
        room.take(seq, payload, prev)
        if room.has_gap:
            self._on_gap(channel)
