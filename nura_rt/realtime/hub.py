"""Channel -> the listeners of this instance. A room hands on seq n + 1 only after n; what is missing is asked for."""

from collections.abc import Callable, Iterable
from typing import Protocol

from nura_rt.realtime.payload import Payload

_HELD_AT_MOST = 512  # frames kept back behind a gap; beyond it PostgreSQL is asked for them anyway


class Listener(Protocol):
    """One connection's place in a channel."""

    def hear(self, seq: int | None, payload: Payload) -> None:
        """Takes a frame; must not block and must not raise."""


class Relay(Protocol):
    """The way to other instances (the bus)."""

    def want(self, channel: str) -> None:
        """Starts to receive the channel."""

    def drop(self, channel: str) -> None:
        """Stops to receive the channel."""

    def publish(self, channel: str, seq: int | None, payload: Payload) -> None:
        """Tells the other instances; at most once, never raises."""


class Room:
    """One channel on this instance. `head` is the last seq handed on, `known` the highest seq heard of."""

    __slots__ = ("head", "held", "known", "listeners", "owner")

    def __init__(self) -> None:
        self.listeners: dict[Listener, None] = {}
        self.head: int | None = None  # None: not read from PostgreSQL yet
        self.known = 0
        self.held: dict[int, Payload] = {}
        self.owner: str | None = None  # whose conversation: gaps are filled with the owner's eyes

    @property
    def has_gap(self) -> bool:
        """Something exists that was not handed on."""
        return self.head is not None and self.known > self.head

    def take(self, seq: int, payload: Payload | None) -> None:
        """A frame or, without payload, only the news that seq exists; handed on in order."""
        self.known = max(self.known, seq)
        if self.head is not None and seq <= self.head:
            return
        is_next = self.head is not None and seq == self.head + 1
        if payload is not None and (is_next or len(self.held) < _HELD_AT_MOST):
            self.held[seq] = payload
        self._hand_on()

    def settle(self, head: int) -> None:
        """What PostgreSQL says the head is; the first word fixes where this room begins."""
        self.known = max(self.known, head)
        if self.head is None:
            self.head = head
            self.held = {seq: payload for seq, payload in self.held.items() if seq > head}
            self._hand_on()

    def _hand_on(self) -> None:
        while self.head is not None and (payload := self.held.pop(self.head + 1, None)) is not None:
            self.head += 1
            self.say(self.head, payload)

    def say(self, seq: int | None, payload: Payload) -> None:
        """To every listener, now."""
        for listener in tuple(self.listeners):
            listener.hear(seq, payload)


class Hub:
    """All rooms of this instance."""

    def __init__(self, relay: Relay, on_gap: Callable[[str], None]) -> None:
        self._relay = relay
        self._on_gap = on_gap
        self._rooms: dict[str, Room] = {}

    def join(self, channel: str, listener: Listener) -> None:
        """From now on the listener hears the channel. The instance subscribes when it is the first."""
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = Room()
            self._relay.want(channel)
        room.listeners[listener] = None

    def leave(self, channel: str, listener: Listener) -> None:
        """The listener hears it no more; the last one out ends the instance's subscription."""
        room = self._rooms.get(channel)
        if room is None or listener not in room.listeners:
            return
        del room.listeners[listener]
        if not room.listeners:
            del self._rooms[channel]
            self._relay.drop(channel)

    def room(self, channel: str) -> Room | None:
        """The channel's room, if anybody here listens."""
        return self._rooms.get(channel)

    def channels(self) -> Iterable[str]:
        """Every channel with a listener here."""
        return tuple(self._rooms)

    def settle(self, channel: str, head: int, *, owner: str | None = None) -> None:
        """Tells the room what PostgreSQL knows, at a join and after a suspected loss."""
        room = self._rooms.get(channel)
        if room is None:
            return
        room.owner = owner or room.owner
        room.settle(head)
        if room.has_gap:
            self._on_gap(channel)

    def publish(self, channel: str, payload: Payload, *, seq: int | None = None) -> None:
        """To the listeners here at once, and to the other instances by the relay."""
        self.receive(channel, seq, payload)
        self._relay.publish(channel, seq, payload)

    def announce(self, channel: str, seq: int) -> None:
        """Says only that seq exists; whoever lacks it reads it from PostgreSQL."""
        self.receive(channel, seq, None)
        self._relay.publish(channel, seq, Payload(b""))

    def receive(self, channel: str, seq: int | None, payload: Payload | None) -> None:
        """A frame that reached this instance; without seq it is handed on as it comes."""
        room = self._rooms.get(channel)
        if room is None:
            return
        if seq is None:
            if payload is not None:
                room.say(None, payload)
            return
        room.take(seq, payload)
        if room.has_gap:
            self._on_gap(channel)
