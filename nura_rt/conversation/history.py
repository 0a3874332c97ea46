"""A conversation's stored entries as the frames that carry them, without a silent hole between two seqs."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from nura_rt.conversation import frames
from nura_rt.protocol.server import Gap
from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item
from nura_rt.store.log import Entry


def items(
    conversation_id: str, entries: Sequence[Entry], *, after: int, tail: int, until: int | None = None
) -> list[Item]:
    """One item for each entry, and a `gap` wherever seqs are missing.

    What is missing before an entry was taken away: trimmed below `tail`, else removed. What is missing at the
    end, up to `until`, PostgreSQL should have had: it is told as lost.
    """
    found: list[Item] = []
    for entry in entries:
        if entry.seq > after + 1:
            found.append(_gap(conversation_id, after, entry.seq - 1, tail))
        payload = Payload.of(frames.log_entry(conversation_id, entry))
        found.append(Item(entry.seq - 1, entry.seq, payload))
        after = entry.seq
    if until is not None and until > after:
        found.append(_said(conversation_id, after, until, "lost"))
    return found


def upto(item: Item, head: int) -> Item:
    """The item as far as `head`: only a gap reaches beyond the seq after its `prev`."""
    if item.seq <= head:
        return item
    gap = msgspec.json.decode(item.payload.data, type=Gap)
    return Item(item.prev, head, Payload.of(msgspec.structs.replace(gap, to=head)))


def _gap(conversation_id: str, after: int, to: int, tail: int) -> Item:
    return _said(conversation_id, after, to, "trimmed" if to < tail else "removed")


def _said(conversation_id: str, after: int, to: int, reason: Literal["removed", "trimmed", "lost"]) -> Item:
    frame = Gap(channels.conversation(conversation_id), after + 1, to, reason)
    return Item(after, to, Payload.of(frame))
