"""The last frames of a channel, for those who come back within a moment; all rings of an instance share one bound."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple

from nura_rt.realtime.payload import Payload

_ITEMS_AT_MOST = 64
_BYTES_AT_MOST = 512 * 1024
_ALL_AT_MOST = 64 * 1024 * 1024
_ITEM_COSTS = 256  # what holding one costs beside its bytes, about


class Item(NamedTuple):
    """A frame that covers the seqs after `prev` up to `seq`: one for a message, several for a gap."""

    prev: int
    seq: int
    payload: Payload


class Rings:
    """What all rings hold together, in bytes. Beyond the bound the one that did not grow for longest is emptied."""

    def __init__(self, at_most: int = _ALL_AT_MOST) -> None:
        self.size = 0
        self._at_most = at_most
        self._filled: OrderedDict[Ring, None] = OrderedDict()

    def grew(self, ring: "Ring", by: int) -> None:
        """The ring holds so much more (or, below 0, less). It may be told to `clear` itself, which calls `emptied`."""
        self.size += by
        self._filled[ring] = None
        self._filled.move_to_end(ring)
        while self.size > self._at_most:
            next(iter(self._filled)).clear()

    def emptied(self, ring: "Ring", size: int) -> None:
        """The ring held so much and holds nothing now."""
        self.size -= size
        self._filled.pop(ring, None)


class Ring:
    """One channel's: each item begins where the one before ended."""

    __slots__ = ("_items", "_rings", "_size")

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._items: deque[Item] = deque()
        self._size = 0

    def after(self, seq: int) -> list[Item] | None:
        """What followed this seq; None when it is not all here."""
        if not self._items or self._items[0].prev > seq:
            return None
        return [item for item in self._items if item.seq > seq]

    def add(self, item: Item) -> None:
        """The newest; the oldest go when they are too many or too large."""
        before = self._size
        self._items.append(item)
        self._size += _size(item)
        while len(self._items) > _ITEMS_AT_MOST or self._size > _BYTES_AT_MOST:
            self._size -= _size(self._items.popleft())
        self._rings.grew(self, self._size - before)

    def refill(self, items: Sequence[Item]) -> None:
        """These instead of what was here."""
        self.clear()
        for item in items[-_ITEMS_AT_MOST:]:
            self.add(item)

    def clear(self) -> None:
        """Nothing is remembered."""
        self._rings.emptied(self, self._size)
        self._items.clear()
        self._size = 0


def _size(item: Item) -> int:
    return 2 * len(item.payload.data) + _ITEM_COSTS  # it is framed for the sockets, too
