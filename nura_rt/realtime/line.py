"""The way to one Redis server and back: one connection that listens, one that speaks, and a canary.

Whatever happens to either, it begins anew by itself and says "you may have missed something".
"""

import asyncio
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoPermissionError, ResponseError

from nura_rt.cache.servers import UNREACHABLE, Command, Link, Servers
from nura_rt.cache.slots import Node
from nura_rt.realtime import channels, hint
from nura_rt.realtime.canary import Canary
from nura_rt.realtime.hint import SHARDED, SINGLE, Hint
from nura_rt.realtime.outbound import Item, Outbound
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_BEGIN_WITHIN_S = 3.0
_FIRST_DELAY_S = 0.05
_LONGEST_DELAY_S = 1.0
_STABLE_AFTER_S = 5.0
_CANARY_EACH_S = 1.0
_DOUBT_AFTER_S = 2.0  # then a fresh connection is asked
_SICK_AFTER_S = 5.0
_CHANNELS_AT_ONCE = 1_000
_NOTHING = Payload(b"", Tier.EPHEMERAL)

State = Literal["ok", "degraded", "sick"]


class Reports(NamedTuple):
    """Whom a line tells: of a frame, of a confirmation, and of a server that may have lost channels, with
    what could not be said to them."""

    frame: Callable[[str, Hint], None]
    confirmed: Callable[[str], None]
    moved: Callable[[list[Item]], None]


class Line:
    """Listens from the first `want` on. `away`: it tried and could not, or has lost its connection."""

    def __init__(
        self,
        servers: Servers,
        node: Node,
        *,
        sharded: bool,
        canary: Canary,
        origin: bytes,
        reports: Reports,
        counters: Counters,
    ) -> None:
        self.node = node
        self.canary = canary
        self.connected = False
        self.away = False
        self.confirmed: set[str] = set()
        self._verbs = SHARDED if sharded else SINGLE
        self._servers = servers
        self._origin = origin
        self._reports = reports
        self._counters = counters
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._leaving = Counter[str]()
        self._changed = asyncio.Event()
        self._used = asyncio.Event()
        self._anew = asyncio.Event()
        self._finding: State = "ok"
        self._told_at = 0.0
        self._told_why = ""
        self._proven = False  # a canary came back once
        self._refused_at = -math.inf
        self.outbound = Outbound(
            servers,
            node,
            verb=self._verbs.publish,
            origin=origin,
            on_moved=reports.moved,
            on_refusal=self._refused,
            counters=counters,
        )

    @property
    def in_use(self) -> bool:
        """Whether anything was ever wanted here."""
        return self._used.is_set()

    @property
    def state(self) -> State:
        """As `RedisBus.state`, for this server."""
        return "degraded" if self._finding == "ok" and not self.connected else self._finding

    def want(self, wanted: Iterable[str]) -> None:
        """Listens to these too; also with none it connects, for the canary."""
        self._wanted.update(wanted)
        self._changed.set()
        self._used.set()

    def serve(self, wanted: set[str]) -> None:
        """Listens to exactly these."""
        self._wanted = wanted
        self._changed.set()
        if wanted:
            self._used.set()

    def drop(self, unwanted: Iterable[str]) -> None:
        """Listens to these no more."""
        self._wanted.difference_update(unwanted)
        self._changed.set()

    async def run_for_ever(self) -> None:
        """Listens, speaks, and watches itself."""
        async with asyncio.TaskGroup() as group:
            for part in (self._listen_for_ever(), self.outbound.send_for_ever(), self._watch_for_ever()):
                group.create_task(part)

    async def _listen_for_ever(self) -> None:
        await self._used.wait()
        clock, delay_s, began = asyncio.get_running_loop().time, _FIRST_DELAY_S, 0.0
        while True:
            link = self._servers.link(self.node)
            try:
                await self._begin(link)
                began = clock()
                async with asyncio.TaskGroup() as group:
                    for part in (self._follow_wishes(link), self._read(link), self._until_told()):
                        group.create_task(part)
            except* UNREACHABLE as lost:
                self._tell(lost)
            except* Exception:  # a defect here may cost a moment, never the instance
                _log.exception("bus: failed, trying again")
            finally:
                await link.close()
            self._counters.add("bus_receive_failed")
            lasted_s = clock() - began if self.connected else 0.0
            delay_s = _FIRST_DELAY_S if lasted_s > _STABLE_AFTER_S else min(delay_s * 2, _LONGEST_DELAY_S)
            self.connected, self.away = False, True
            self._asked, self.confirmed = set(), set()
            self._reports.moved([])  # it may have: then a look at the cluster tells
            await asyncio.sleep(delay_s)

    def _tell(self, lost: BaseExceptionGroup[Exception]) -> None:
        """Why, once: not each second for as long as it lasts."""
        first: BaseException = lost
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, ResponseError):
            self._refused(first)
        why = f"{type(first).__name__}: {first}"
        if why != self._told_why:
            _log.warning("bus: no connection to Redis, trying again (%s)", why)
        self._told_why = why

    async def _begin(self, link: Link) -> None:
        async with asyncio.timeout(_BEGIN_WITHIN_S):
            await link.open()
            await link.send([(self._verbs.subscribe, channels.on_bus(self.canary.channel))])
            await link.read()
        self._leaving.clear()
        self._anew.clear()
        self._changed.set()
        self.connected, self.away = True, False
        if self._told_why:
            _log.info("bus: connected to Redis again")
            self._told_why = ""

    async def _until_told(self) -> None:
        await self._anew.wait()
        raise RedisConnectionError("nothing comes by this connection any more")

    async def _follow_wishes(self, link: Link) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            gone, new = self._asked - self._wanted, self._wanted - self._asked
            self._asked = set(self._wanted)
            self.confirmed -= gone
            self._leaving.update(gone)
            commands = [
                *self._commands(self._verbs.unsubscribe, gone),
                *self._commands(self._verbs.subscribe, new),
            ]
            if commands:
                await link.send(commands)

    def _commands(self, verb: str, names: set[str]) -> list[Command]:
        """As few as may be: a command of a cluster names channels of one slot alone."""
        together: dict[int, list[str]] = defaultdict(list)
        for name in names:
            slot = channels.slot_of(name) if self._verbs is SHARDED else 0
            together[slot].append(channels.on_bus(name))
        return [
            (verb, *group[at : at + _CHANNELS_AT_ONCE])
            for group in together.values()
            for at in range(0, len(group), _CHANNELS_AT_ONCE)
        ]

    async def _read(self, link: Link) -> None:
        verbs = self._verbs
        while True:
            try:
                kind, name, data = await link.read()
            except MovedError as moved:
                self._lose(moved.slot_id)
                continue
            channel = channels.from_bus(name)
            if kind == verbs.message:
                self._take(channel, data)
            elif kind == verbs.subscribed:
                self._confirm(channel)
            elif kind == verbs.unsubscribed:
                self._part(channel)

    def _take(self, channel: str, data: bytes) -> None:
        found = hint.decode(data)
        if found is None:
            self._counters.add("bus_unreadable")
        elif found.origin != self._origin:
            self._reports.frame(channel, found)
        elif channel == self.canary.channel and found.seq is not None:
            self.canary.seen(found.seq)
            self._proven = True

    def _confirm(self, channel: str) -> None:
        if channel in self._asked:
            self.confirmed.add(channel)
        self._reports.confirmed(channel)

    def _part(self, channel: str) -> None:
        if self._leaving[channel] > 1:
            self._leaving[channel] -= 1
        elif self._leaving.pop(channel, 0) == 0:  # the server ended it: the slot has moved
            self._forget(channel)

    def _lose(self, slot: int) -> None:
        for channel in [one for one in (*self._asked, *self._leaving) if channels.slot_of(one) == slot]:
            self._leaving.pop(channel, None)
            self._forget(channel)

    def _forget(self, channel: str) -> None:
        if channel == self.canary.channel:
            self._anew.set()
        self._asked.discard(channel)
        self.confirmed.discard(channel)
        self._reports.moved([])

    async def _watch_for_ever(self) -> None:
        await self._used.wait()
        while True:
            self.outbound.publish(Item(self.canary.channel, self.canary.fly(), None, _NOTHING))
            await asyncio.sleep(_CANARY_EACH_S)
            try:
                self._finding = await self._find()
            except Exception:  # a defect here may cost a look, never the instance
                _log.exception("bus: cannot tell how this connection is")

    async def _find(self) -> State:
        if self.connected and self.canary.overdue_s < _DOUBT_AFTER_S:
            return "ok"
        if not await self._servers.answers(self.node):
            self.canary.excuse()
            if self.canary.lag_s >= _DOUBT_AFTER_S:
                self._begin_anew()  # this connection will not outlive what happened to Redis
            return "degraded"
        if asyncio.get_running_loop().time() - self._refused_at < _SICK_AFTER_S:
            return (
                "degraded"  # it takes nothing from anybody: were that a sickness, all instances would have it
            )
        if self.canary.overdue_s < _SICK_AFTER_S:
            return "ok"
        self._counters.add("bus_sick")
        self._begin_anew()
        return "sick"

    def _refused(self, error: Exception) -> None:
        """Redis does not take what we say. Who never had the right to is sick: others may have it."""
        if self._proven or not isinstance(error, NoPermissionError):
            self._refused_at = asyncio.get_running_loop().time()

    def _begin_anew(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.connected and now - self._told_at >= _SICK_AFTER_S:
            self._told_at = now
            self._anew.set()
