"""Join first, then read, then live: no gap and no duplicate, and one query however many come at once."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import msgspec

from nura_rt.conversation import history
from nura_rt.conversation.flights import Flights
from nura_rt.conversation.pasts import Past, Pasts
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item
from nura_rt.realtime.room import Listener, Room
from nura_rt.store import conversations, log
from nura_rt.telemetry import Counters

_PAGE = 20
_TAIL_BYTES = 1024 * 1024


class Missed(msgspec.Struct, frozen=True):
    """What a joining client lacks: seqs after `after` up to `head`. Not recovered: too many, none is replayed."""

    head: int
    after: int
    recovered: bool
    tail: int
    read_seq: int
    recent: list[Item] | None  # remembered by the room; None: PostgreSQL has to be asked


class Replay:
    """Reads with the eyes of the conversation's owner, after access was checked."""

    def __init__(
        self,
        *,
        people: asyncpg.Pool,
        hub: Hub,
        heard: Callable[[str], Awaitable[bool]],
        hears_others: Callable[[], bool],
        limit: int,
        counters: Counters,
    ) -> None:
        """`heard` returns once what other instances say on a channel arrives here, or cannot be waited for.

        While `hears_others` is false a room may have missed that words were removed: PostgreSQL is asked.
        """
        self._people = people
        self._hub = hub
        self._heard = heard
        self._hears_others = hears_others
        self._limit = limit
        self._counters = counters
        self._joins = Flights[tuple[str, str], int | None]()
        self._reads = Flights[str, Past]()
        self._pasts = Pasts()

    async def join(
        self, listener: Listener, person_id: str, conversation_id: str, since: int | None
    ) -> Missed | None:
        """Joins the hub, then reads the head; None (and not joined) when it is not the person's."""
        channel = channels.conversation(conversation_id)
        room = self._hub.join(channel, listener)
        try:
            head = await self._head(room, person_id, conversation_id, since)
        except BaseException:
            self._hub.leave(channel, listener)
            raise
        if head is None:
            self._hub.leave(channel, listener)
            return None
        return self._missed(room, since, max(head, room.head or 0))

    async def _head(self, room: Room, person_id: str, conversation_id: str, since: int | None) -> int | None:
        """The room's, where it can be relied on, else PostgreSQL's; None when it is not the person's."""
        ahead = since is not None and room.head is not None and since > room.head
        if room.owner == person_id and not ahead and not room.has_gap and self._hears_others():
            return room.head
        heard_of = room.known
        head = await self._shared_head(person_id, conversation_id)
        if head is not None and head < heard_of:  # whoever was asking had begun before we heard of it
            head = await self._shared_head(person_id, conversation_id)
        return head

    async def _shared_head(self, person_id: str, conversation_id: str) -> int | None:
        key = (person_id, conversation_id)
        return await self._joins.share(key, lambda: self._read(person_id, conversation_id))

    async def _read(self, person_id: str, conversation_id: str) -> int | None:
        """The head; None when it is not the person's."""
        channel = channels.conversation(conversation_id)
        await self._heard(channel)
        self._counters.add("replay_heads_read")
        seen = await conversations.seen_by(self._people, person_id, conversation_id)
        if seen is None:
            return None
        room = self._hub.room(channel)
        if room is not None:
            room.tail, room.read_seq = max(room.tail, seen.tail_seq), max(room.read_seq, seen.read_seq)
            self._hub.settle(channel, seen.last_seq, owner=person_id)
        return seen.last_seq

    def _missed(self, room: Room, since: int | None, head: int) -> Missed:
        after = head if since is None else since
        if head < after <= room.known:  # it has heard more than this instance, which will catch up
            return Missed(after, after, True, room.tail, room.read_seq, [])
        recovered = 0 <= head - after <= self._limit  # seqs are dense, so this counts messages
        # where the room is behind, what follows there may take back what it remembers
        is_up_to_date = room.head == head and not room.has_gap
        recent = [] if not recovered or after == head else room.recent(after) if is_up_to_date else None
        return Missed(head, after if recovered else head, recovered, room.tail, room.read_seq, recent)

    async def pages(
        self, person_id: str, conversation_id: str, missed: Missed
    ) -> AsyncIterator[list[Payload]]:
        """What was missed, some at a time, up to `missed.head`."""
        if missed.recent is not None:
            yield [item.payload for item in missed.recent]
            return
        past = await self._past(person_id, conversation_id, missed)
        after = missed.after
        while (
            after < past.begin
        ):  # only where the newest entries alone are large: private pages, at the peer's pace
            rows = await log.after(self._people, person_id, conversation_id, after, limit=_PAGE)
            upto = past.begin if len(rows) < _PAGE else None
            older = history.items(conversation_id, rows, after=after, tail=missed.tail, until=upto)
            page = [item for item in older if item.prev < past.begin]
            yield [item.payload for item in page]
            after = page[-1].seq if page else past.begin
        # what lies beyond the head comes live: a gap found there is not told twice
        rest = [item for item in past.items if item.seq > after and item.prev < missed.head]
        yield [history.upto(item, missed.head).payload for item in rest]

    async def _past(self, person_id: str, conversation_id: str, missed: Missed) -> Past:
        """The conversation's newest entries, at least up to the head; read once for all who come together."""
        past = self._pasts.get(conversation_id, missed.head)
        while past is None or past.end < missed.head:  # then it was read for somebody who came before
            past = await self._reads.share(
                conversation_id, lambda: self._read_past(person_id, conversation_id, missed)
            )
        return past

    async def _read_past(self, person_id: str, conversation_id: str, missed: Missed) -> Past:
        self._counters.add("replay_pasts_read")
        before = max(0, missed.head - self._limit)
        rows = await log.tail(
            self._people, person_id, conversation_id, before, limit=self._limit * 2, bytes_at_most=_TAIL_BYTES
        )
        begin = rows[0].seq - 1 if rows else before
        found = history.items(conversation_id, rows, after=begin, tail=missed.tail, until=missed.head)
        past = Past(begin, found[-1].seq if found else missed.head, found)
        self._pasts.keep(conversation_id, past)
        room = self._hub.room(channels.conversation(conversation_id))
        if room is not None and rows and rows[-1].seq == past.end:  # nothing is lost at the end
            room.remember(found)
        return past
