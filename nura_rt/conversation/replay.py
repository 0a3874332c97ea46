"""Join first, then read, then live: no gap and no duplicate. Gaps heard of later are filled from PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import msgspec

from nura_rt.conversation import frames
from nura_rt.realtime import channels
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.hub import Hub, Listener
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations, messages
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_FILL_AT_ONCE = 200
_PAGE = 20
_LET_IT_SETTLE_S = 0.03  # frames of two instances often cross: most gaps close by themselves
_BUS_WITHIN_S = 2.0


class Missed(msgspec.Struct, frozen=True):
    """What a joining client lacks: seqs from `after` to `head`. Not recovered: too many, none is replayed."""

    head: int
    after: int
    recovered: bool


class Replay:
    """Reads with the eyes of the conversation's owner, after access was checked."""

    def __init__(
        self,
        *,
        people: asyncpg.Pool,
        heads: asyncpg.Pool,
        hub: Hub,
        bus: RedisBus,
        limit: int,
        counters: Counters,
    ) -> None:
        self._people = people
        self._heads = heads
        self._hub = hub
        self._bus = bus
        self._limit = limit
        self._counters = counters
        self._gaps: set[str] = set()
        self._progress: dict[str, int | None] = {}  # where each gap's last fill ended
        self._gap = asyncio.Event()
        self._doubt = asyncio.Event()

    async def join(
        self, listener: Listener, person_id: str, conversation_id: str, since: int | None
    ) -> Missed | None:
        """Joins the hub, then reads the head; None (and not joined) when it is not the person's."""
        channel = channels.conversation(conversation_id)
        self._hub.join(channel, listener)
        try:
            await self._bus.confirmed(channel, timeout_s=_BUS_WITHIN_S)
            seen = await conversations.seen_by(self._people, person_id, conversation_id)
            if seen is None:
                self._hub.leave(channel, listener)
                return None
        except BaseException:
            self._hub.leave(channel, listener)
            raise
        self._hub.settle(channel, seen.last_seq, owner=person_id)
        return self._missed(since, seen.last_seq)

    def _missed(self, since: int | None, head: int) -> Missed:
        after = head if since is None else since
        recovered = 0 <= head - after <= self._limit  # seqs are dense, so this counts messages
        return Missed(head, after if recovered else head, recovered)

    async def pages(
        self, person_id: str, conversation_id: str, missed: Missed
    ) -> AsyncIterator[list[Payload]]:
        """What was missed, a few messages at a time: a peer that does not read holds no more than one page."""
        after = missed.after
        while after < missed.head:
            rows = await messages.list_after(self._people, person_id, conversation_id, after, limit=_PAGE)
            if not rows:
                return
            yield [Payload.of(frames.message(row)) for row in rows if row.seq <= missed.head]
            after = rows[-1].seq

    def note_gap(self, channel: str) -> None:
        """The hub heard of a seq it cannot hand on yet."""
        self._gaps.add(channel)
        self._gap.set()

    def note_doubt(self) -> None:
        """The bus began anew: anything may have been missed."""
        self._doubt.set()

    async def fill_for_ever(self) -> None:
        """Closes gaps, one query per conversation however many listeners wait."""
        await _for_ever(self._gap, self._fill_all, self._counters)

    async def check_for_ever(self) -> None:
        """After each doubt, one query tells which local conversations went on without us."""
        await _for_ever(self._doubt, self._check_heads, self._counters)

    async def _fill_all(self) -> None:
        await asyncio.sleep(_LET_IT_SETTLE_S)
        for channel in tuple(self._gaps):
            await self._fill(channel)
            room = self._hub.room(channel)
            if room is None or not room.has_gap or self._progress.get(channel) == room.head:
                self._gaps.discard(channel)  # filled, left, or PostgreSQL has no more to give now
                self._progress.pop(channel, None)
            else:
                self._progress[channel] = room.head
                self._gap.set()

    async def _fill(self, channel: str) -> None:
        room = self._hub.room(channel)
        name = channels.parse(channel)
        if name is None or room is None or room.owner is None or room.head is None or not room.has_gap:
            return
        self._counters.add("gaps_filled")
        rows = await messages.list_after(self._people, room.owner, name.id, room.head, limit=_FILL_AT_ONCE)
        for row in rows:
            self._hub.receive(channel, row.seq, Payload.of(frames.message(row)))

    async def _check_heads(self) -> None:
        names = [name for channel in self._hub.channels() if (name := channels.parse(channel)) is not None]
        ids = [name.id for name in names if name.kind == "conversation"]
        for conversation_id, head in (await conversations.heads(self._heads, ids)).items():
            channel = channels.conversation(conversation_id)
            room = self._hub.room(channel)
            if room is not None and room.head is not None:
                self._hub.settle(channel, head)


async def _for_ever(wanted: asyncio.Event, work: Callable[[], Awaitable[None]], counters: Counters) -> None:
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            await work()
        except UNAVAILABLE:
            counters.add("replay_failed")
            _log.warning("replay: the database does not answer, trying again")
            await asyncio.sleep(0.5)
            wanted.set()
        except Exception:  # a defect here may delay a fill, never end the instance
            counters.add("replay_failed")
            _log.exception("replay failed")
            await asyncio.sleep(5)
            wanted.set()
