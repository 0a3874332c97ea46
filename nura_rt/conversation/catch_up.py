"""What an instance did not hear, it reads: after a gap, after doubt, each second without a bus, and now and then.

A hint is only a hint: PostgreSQL alone says what there is.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import asyncpg

from nura_rt.conversation import history
from nura_rt.protocol.server import ConversationRemoved, Gap
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.room import Room
from nura_rt.store import conversations, log
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_FILL_AT_ONCE = 200
_FILLS_AT_ONCE = 8
_LET_IT_SETTLE_S = 0.03  # frames of two instances often cross: most gaps close by themselves
_AGAIN_S = 0.5
_POLL_S = 1.0
_ALL_CONFIRMED_S = 0.1  # the first channel that is confirmed anew raises the doubt, most others soon follow
_DOUBTS_APART_S = 1.0  # at least: a bus that flaps does not make everybody look all the time
_SAY_AGAIN_S = 10.0  # without a bus a notice of another instance comes only so
_SWEEP_S = 30.0
_SWEEP_JITTER_S = 5.0
_HEADS_AT_ONCE = 2000


class CatchUp:
    """`note_gap` and `note_doubt` from anywhere; the coroutines do the reading, each thing once for all listeners."""

    def __init__(
        self,
        *,
        people: asyncpg.Pool,
        heads: asyncpg.Pool,
        hub: Hub,
        hears_others: Callable[[], bool],
        on_doubt: Callable[[Sequence[str]], None],
        counters: Counters,
        sweep_s: float = _SWEEP_S,
    ) -> None:
        """`hears_others` tells whether the bus brings news; `on_doubt`: whose own channels may have missed some."""
        self._people = people
        self._heads = heads
        self._hub = hub
        self._hears_others = hears_others
        self._on_doubt = on_doubt
        self._counters = counters
        self._sweep_s = sweep_s
        self._gaps: set[str] = set()
        self._unread: set[str] = set()  # in doubt while their head was being read for the first time
        self._gap = asyncio.Event()
        self._doubt = asyncio.Event()
        self._checking = False

    def note_gap(self, channel: str) -> None:
        """The hub heard of a seq it cannot hand on yet."""
        self._gaps.add(channel)
        self._gap.set()

    def note_doubt(self) -> None:
        """The bus began anew: anything may have been missed."""
        self._doubt.set()

    @property
    def in_doubt(self) -> bool:
        """Something may have been missed that was not looked for since."""
        return self._checking or self._doubt.is_set()

    async def fill_for_ever(self) -> None:
        """Closes gaps, one query per conversation however many listeners wait."""
        while True:
            await self._gap.wait()
            self._gap.clear()
            await asyncio.sleep(_LET_IT_SETTLE_S)
            free = asyncio.Semaphore(_FILLS_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for channel in tuple(self._gaps):
                    group.create_task(self._close(channel, free))

    async def _close(self, channel: str, free: asyncio.Semaphore) -> None:
        async with free:
            if await self._tried(lambda: self._fill(channel)):
                self._gaps.discard(channel)
            else:
                self._gap.set()

    async def check_for_ever(self) -> None:
        """After each doubt, one query tells which local conversations went on without us."""
        while True:
            await self._doubt.wait()
            await asyncio.sleep(_ALL_CONFIRMED_S)
            self._checking = True
            self._doubt.clear()
            self._counters.add("bus_doubts")
            self._unread.update(channel for channel, room in self._hub.rooms() if _is_unread(channel, room))
            is_done = await self._tried(lambda: self._check(self._hub.rooms()))
            if not is_done:
                self._doubt.set()
            self._checking = False
            if is_done:
                self._doubt_people()
                await asyncio.sleep(_DOUBTS_APART_S)

    def _doubt_people(self) -> None:
        """What is said to a person has no seq: they are told to look, and what must not be missed is said again."""
        people = self._people_here()
        for person_id in people:
            channel = channels.user(person_id)
            self._hub.receive(channel, None, Payload.of(Gap(channel, 0, 0, "lost")))
        self._on_doubt(people)

    def _people_here(self) -> list[str]:
        names = [channels.parse(channel) for channel, _ in self._hub.rooms()]
        return [name.id for name in names if name is not None and name.kind == "user"]

    async def poll_for_ever(self) -> None:
        """Without a bus, each second; with one, each half minute those of which nothing was heard meanwhile."""
        swept = time.monotonic() + random.uniform(-_SWEEP_JITTER_S, _SWEEP_JITTER_S)  # noqa: S311 - no secret
        told = 0.0
        while True:
            await asyncio.sleep(min(_POLL_S, self._sweep_s))
            now = time.monotonic()
            if self._unread:
                await self._tried(self._check_late)
            if not self._hears_others():
                await self._tried(lambda: self._check(self._hub.rooms()))
                if now - told >= _SAY_AGAIN_S:
                    told = now
                    self._on_doubt(self._people_here())
            elif now - swept >= self._sweep_s:
                idle = [
                    (name, room) for name, room in self._hub.rooms() if now - room.heard_at >= self._sweep_s
                ]
                await self._tried(lambda idle=idle: self._check(idle))  # type: ignore[misc]
                swept = now + random.uniform(-_SWEEP_JITTER_S, _SWEEP_JITTER_S)  # noqa: S311 - no secret

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> bool:
        """False after a failure, which is waited out: what failed is to be tried again."""
        try:
            await work()
        except UNAVAILABLE:
            self._counters.add("catch_up_failed")
            _log.warning("catching up: the database does not answer, trying again")
        except Exception:  # a defect here may delay a fill, never end the instance
            self._counters.add("catch_up_failed")
            _log.exception("catching up failed")
        else:
            return True
        await asyncio.sleep(_AGAIN_S)
        return False

    async def _fill(self, channel: str) -> None:
        name = channels.parse(channel)
        while (room := self._hub.room(channel)) is not None and room.has_gap:
            if name is None or room.owner is None or room.head is None:
                return
            self._counters.add("gaps_filled")
            after, until = room.head, room.known
            rows = await log.after(self._people, room.owner, name.id, after, limit=_FILL_AT_ONCE)
            if len(rows) == _FILL_AT_ONCE:
                until = rows[-1].seq
            elif (rows[-1].seq if rows else after) < until:
                until = await self._confirmed(room, name.id, until)
            room.forget_held(until)
            for item in history.items(name.id, rows, after=after, tail=room.tail, until=until):
                self._hub.receive(channel, item.seq, item.payload, item.prev)

    async def _confirmed(self, room: Room, conversation_id: str, until: int) -> int:
        """The head as PostgreSQL has it, where it has fewer entries than were announced."""
        head = (await conversations.heads(self._heads, [conversation_id])).get(conversation_id, 0)
        if head < until:
            self._counters.add("hints_too_high")
            room.known = max(head, room.head or 0)
        return min(head, until)

    async def _check(self, rooms: Iterable[tuple[str, Room]]) -> None:
        names = [
            name for channel, room in rooms if room.head is not None and (name := channels.parse(channel))
        ]
        ids = [name.id for name in names if name.kind == "conversation"]
        for start in range(0, len(ids), _HEADS_AT_ONCE):
            await self._check_some(ids[start : start + _HEADS_AT_ONCE])

    async def _check_late(self) -> None:
        """What was being read when a doubt came may be older than what was missed: asked for again."""
        rooms = {channel: self._hub.room(channel) for channel in self._unread}
        read = [(channel, room) for channel, room in rooms.items() if room and room.head is not None]
        self._unread.difference_update(channel for channel, room in rooms.items() if room is None)
        await self._check(read)
        self._unread.difference_update(channel for channel, _ in read)

    async def _check_some(self, ids: Sequence[str]) -> None:
        self._counters.add("heads_checked", len(ids))
        heads = await conversations.heads(self._heads, ids)
        for conversation_id in ids:
            channel = channels.conversation(conversation_id)
            room = self._hub.room(channel)
            if room is None or room.head is None:
                continue
            if conversation_id in heads:
                self._hub.settle(channel, heads[conversation_id])
            else:  # deleted, and nobody told us
                room.say(None, Payload.of(ConversationRemoved(conversation_id)))


def _is_unread(channel: str, room: Room) -> bool:
    name = channels.parse(channel)
    return room.head is None and name is not None and name.kind == "conversation"
