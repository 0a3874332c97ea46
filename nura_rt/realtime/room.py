"""One channel on one instance: hands on what follows its head, in order and once; the rest waits or is asked for."""

import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from nura_rt.protocol.server import HistoryTrimmed
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item, Ring, Rings

_HELD_AT_MOST = 512  # frames kept back behind a gap; beyond it PostgreSQL is asked for them anyway
_HELD_BYTES = 8 * 1024  # larger ones are read again; the bus brings none
# how codec.encode begins the frames that take words away
_REMOVED = b'{"type":"message.removed"'
_TRIMMED = b'{"type":"history.trimmed"'


class Listener(Protocol):
    """One connection's place in a channel."""

    def hear(self, seq: int | None, payload: Payload) -> None:
        """Takes a frame; must not block and must not raise."""


class Room:
    """`head` is the last seq handed on, `known` the highest seq heard of. `owner`: whose conversation it is."""

    __slots__ = (
        "_held",
        "_ring",
        "head",
        "heard_at",
        "known",
        "listeners",
        "owner",
        "read_seq",
        "tail",
    )

    def __init__(self, rings: Rings) -> None:
        self.listeners: dict[Listener, None] = {}
        self.head: int | None = None  # None: not read from PostgreSQL yet
        self.known = 0
        self.owner: str | None = None  # gaps are filled with the owner's eyes
        self.tail = 1
        self.read_seq = 0
        self.heard_at = time.monotonic()
        self._held: dict[int, Item] = {}
        self._ring = Ring(rings)

    @property
    def has_gap(self) -> bool:
        """Something exists that was not handed on."""
        return self.head is not None and self.known > self.head

    def take(self, seq: int, payload: Payload | None, prev: int | None = None) -> None:
        """A frame or, without payload, only the news that seq exists; handed on in order."""
        self.heard_at = time.monotonic()
        self.known = max(self.known, seq)
        if payload is None or (self.head is not None and seq <= self.head):
            return
        item = Item(seq - 1 if prev is None else prev, seq, payload)
        if self.head is not None and item.prev <= self.head:
            self._hand_on(item)
            self._catch_up()
        elif len(self._held) < _HELD_AT_MOST and len(payload.data) <= _HELD_BYTES:
            self._held[item.prev] = item

    def settle(self, head: int) -> None:
        """What PostgreSQL says the head is; the first word fixes where this room begins."""
        self.known = max(self.known, head)
        if self.head is None:
            self.head = head
            self._catch_up()

    def forget_held(self, upto: int) -> None:
        """What waits behind the gap up to this seq was read anew: since it came, some of it may have been removed."""
        self._held = {prev: item for prev, item in self._held.items() if prev >= upto}

    def recent(self, after: int) -> list[Item] | None:
        """What was handed on after this seq, as far as it is remembered; None when it is not."""
        if self.head is None or after >= self.head:
            return []
        return self._ring.after(after)

    def remember(self, items: Sequence[Item]) -> None:
        """What PostgreSQL has up to the head, for those who join next; beyond or before the head it is no use."""
        if self.head is not None and items and items[-1].seq == self.head:
            self._ring.refill(items)

    def close(self) -> None:
        """Nobody is here any more."""
        self._ring.clear()

    def say(self, seq: int | None, payload: Payload, *, but: Listener | None = None) -> None:
        """To every listener, now."""
        for listener in tuple(self.listeners):
            if listener is not but:
                listener.hear(seq, payload)

    def _catch_up(self) -> None:
        while self._held and self.head is not None:
            head = self.head
            following = self._held.pop(head, None)
            if following is None:
                # one that began before the head may reach beyond it; what ends before it is old
                self._held = {prev: item for prev, item in self._held.items() if item.seq > head}
                begun = next((prev for prev in self._held if prev < head), None)
                if begun is None:
                    return
                following = self._held.pop(begun)
            self._hand_on(following)

    def _hand_on(self, item: Item) -> None:
        self.head = item.seq
        if item.payload.data.startswith((_REMOVED, _TRIMMED)):
            self._forget(item.payload.data)
        self._ring.add(item)
        self.say(item.seq, item.payload)

    def _forget(self, data: bytes) -> None:
        """Words went: whoever joins later asks PostgreSQL, which has them no more."""
        self._ring.clear()
        if data.startswith(_TRIMMED):
            self.tail = max(self.tail, msgspec.json.decode(data, type=HistoryTrimmed).before_seq)
