"""The newest entries of conversations, kept while clients that were cut off together come back for them.

Whoever takes one knows the head: what was removed since has a seq beyond the entries' end, and they are read anew.
"""

import asyncio
import time
from collections import OrderedDict

import msgspec

from nura_rt.realtime.ring import Item

_KEPT_S = 5.0  # after the last who came for it
_COSTS = 1024
_KEPT_BYTES = 32 * 1024 * 1024  # of all together


class Past(msgspec.Struct, frozen=True):
    """The newest entries of a conversation: the seqs after `begin` up to `end`."""

    begin: int
    end: int
    items: list[Item]

    @property
    def size(self) -> int:
        """Bytes of its frames, and what holding them costs at least."""
        return _COSTS + 2 * sum(len(item.payload.data) for item in self.items)  # they are framed, too


class Pasts:
    """By conversation; the one that was not asked for longest goes first."""

    def __init__(self) -> None:
        # with the moment when it was last asked for, the oldest first
        self._kept: OrderedDict[str, tuple[float, Past]] = OrderedDict()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, conversation_id: str, head: int) -> Past | None:
        """What is kept of it, if that reaches as far as the head."""
        _, past = self._kept.get(conversation_id, (0.0, None))
        if past is None or past.end < head:
            return None
        self._kept[conversation_id] = time.monotonic(), past
        self._kept.move_to_end(conversation_id)
        return past

    def keep(self, conversation_id: str, past: Past) -> None:
        """For whoever comes next, and until nobody has come for a while. Needs a running loop."""
        self._forget(conversation_id)
        self._kept[conversation_id] = time.monotonic(), past
        self._bytes += past.size
        while self._bytes > _KEPT_BYTES:
            self._forget(next(iter(self._kept)))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_S, self._forget_unused)

    def _forget_unused(self) -> None:
        self._timer = None
        while self._kept:
            conversation_id, (used_at, _) = next(iter(self._kept.items()))
            left_s = used_at + _KEPT_S - time.monotonic()
            if left_s > 0:
                self._timer = asyncio.get_running_loop().call_later(left_s, self._forget_unused)
                return
            self._forget(conversation_id)

    def _forget(self, conversation_id: str) -> None:
        _, past = self._kept.pop(conversation_id, (0.0, None))
        if past is not None:
            self._bytes -= past.size
