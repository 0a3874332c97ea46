"""Instance to instance over Redis pub/sub: a doorbell, at most once. Every surprise means "look at PostgreSQL".

On a cluster each channel lives on the master of its slot (sharded pub/sub), so there is a line to each master in use.
"""

import asyncio
import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

from nura_rt.cache.servers import UNREACHABLE, Servers
from nura_rt.cache.slots import Map, Node
from nura_rt.realtime import channels
from nura_rt.realtime.canary import Canary
from nura_rt.realtime.hint import Hint
from nura_rt.realtime.line import Line, Reports, State
from nura_rt.realtime.outbound import Item, Unsaid
from nura_rt.realtime.payload import Payload
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_LOOK_EACH_S = 0.2  # at most; masters need a moment to agree on a move
_UNSERVED_LOOK_S = 1.0

OnFrame = Callable[[str, int | None, Payload | None, int | None], None]


class RedisBus:
    """The hub's relay. `run_for_ever` keeps it going whatever Redis does, and reports every new beginning."""

    def __init__(
        self,
        servers: Servers,
        *,
        instance: str,
        on_frame: OnFrame,
        on_resync: Callable[[], None],
        counters: Counters,
    ) -> None:
        """`on_frame(channel, seq, payload, prev)`: a frame of another instance. `on_resync()`: look at the heads."""
        self._servers = servers
        self._instance = instance
        self._on_frame = on_frame
        self._on_resync = on_resync
        self._counters = counters
        self._wanted: set[str] = set()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._begun: set[str] = set()  # channels that were confirmed once since they are wanted
        self._map: Map | None = None
        self._lines: dict[Node, Line] = {}
        self._tasks: dict[Node, asyncio.Task[None]] = {}
        self._lobby = Unsaid(counters)
        self._look = asyncio.Event()
        self._look.set()

    @property
    def connected(self) -> bool:
        """Whether every server in use is listened to."""
        used = self._used()
        return bool(used) and all(line.connected for line in used)

    @property
    def state(self) -> State:
        """The worst of its lines. degraded: Redis does not answer, or is only being connected to. sick: it
        answers, but for 5 s nothing came back by our connection, which is then begun anew."""
        states = {line.state for line in self._used()} or {"degraded"}
        return "sick" if "sick" in states else "degraded" if "degraded" in states else "ok"

    @property
    def lag_s(self) -> float:
        """How long the oldest canary that has not come back has been out; 0 when none is."""
        return max((line.canary.lag_s for line in self._used()), default=0.0)

    @property
    def is_behind(self) -> bool:
        """The others lack something that they should have been told by now."""
        return bool(self._lobby) or any(line.outbound.is_behind for line in self._lines.values())

    def _used(self) -> list[Line]:
        return [line for line in self._lines.values() if line.in_use]

    def want(self, channel: str) -> None:
        """Starts to receive the channel; `confirmed` tells when Redis has said so."""
        self._wanted.add(channel)
        if line := self._line_of(channel):
            line.want([channel])

    def drop(self, channel: str) -> None:
        """Stops to receive the channel."""
        self._wanted.discard(channel)
        self._begun.discard(channel)
        if line := self._line_of(channel):
            line.drop([channel])

    async def confirmed(self, channel: str, *, timeout_s: float) -> bool:
        """True once Redis confirmed; false after the timeout (then a later confirmation brings a resync)."""
        line = self._line_of(channel)
        if line is not None and channel in line.confirmed:
            return True
        if line is None or line.away:  # when Redis is back, every channel counts as doubtful anyway
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(channel, set()).add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._stop_waiting(channel, waiter)
        return True

    def _stop_waiting(self, channel: str, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiters.get(channel, set())
        waiters.discard(waiter)
        if not waiters:
            self._waiters.pop(channel, None)

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        """Tells the other instances, soon; see `Outbound` for what happens when Redis does not take it.

        The frame covers the seqs after `prev` up to `seq`; None means seq - 1.
        """
        self._say(Item(channel, seq, prev, payload))

    def _say(self, item: Item) -> None:
        line = self._line_of(item.channel)
        if line is None:
            self._lobby.keep(item)
        else:
            line.outbound.publish(item)

    def _line_of(self, channel: str) -> Line | None:
        node = self._map.node_of(channels.on_bus(channel).encode()) if self._map else None
        return self._lines.get(node) if node is not None else None

    async def run_for_ever(self) -> None:
        """Finds out who serves what, keeps a line to each, and looks again whenever one has doubts."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._look.wait()
                    self._look.clear()
                    await self._arrange(group)
                    await asyncio.sleep(_LOOK_EACH_S)
                    if any(self._line_of(channel) is None for channel in self._wanted) or not self._lines:
                        await asyncio.sleep(_UNSERVED_LOOK_S)
                        self._look.set()
        finally:
            self._forget_lines()

    def _forget_lines(self) -> None:
        """Their tasks are over; who begins again begins with others, and says what these did not."""
        for line in self._lines.values():
            self._take_back(line.outbound.unsaid())
        self._map = None
        self._lines.clear()
        self._tasks.clear()
        self._look.set()

    async def _arrange(self, group: asyncio.TaskGroup) -> None:
        try:
            found = await self._servers.look()
        except UNREACHABLE:
            if not self._lines:  # else they say so themselves
                self._counters.add("bus_receive_failed")
                _log.warning("bus: Redis does not answer, trying again")
            return
        except Exception:  # an odd answer may cost a moment, never the instance
            _log.exception("bus: cannot tell what this Redis is, trying again")
            return
        if found != self._map:
            self._move(group, found)
        theirs: dict[Node | None, set[str]] = defaultdict(set)
        for channel in self._wanted:
            theirs[found.node_of(channels.on_bus(channel).encode())].add(channel)
        for node, line in self._lines.items():
            line.serve(theirs[node])
        for item in self._lobby.take_all():
            self._say(item)

    def _move(self, group: asyncio.TaskGroup, found: Map) -> None:
        canaries = {node: self._canary_for(found, node) for node in found.nodes}
        anew = self._map is None or self._map.sharded != found.sharded
        for node, line in tuple(self._lines.items()):
            if anew or canaries.get(node) != line.canary.channel:
                del self._lines[node]
                self._tasks.pop(node).cancel()
                self._take_back(line.outbound.unsaid())
        self._map = found
        for node, canary in canaries.items():
            if node not in self._lines:
                line = self._lines[node] = self._new_line(node, canary, sharded=found.sharded)
                self._tasks[node] = group.create_task(line.run_for_ever())
        home = found.node_of(channels.on_bus(channels.canary(self._instance, 0)).encode())
        for node in (home,) if home else found.nodes[:1]:
            self._lines[node].want(())

    def _canary_for(self, found: Map, node: Node) -> str:
        """The first of our canaries' channels that this server has."""
        names = (channels.canary(self._instance, number) for number in itertools.count())
        return next(name for name in names if found.node_of(channels.on_bus(name).encode()) == node)

    def _new_line(self, node: Node, canary: str, *, sharded: bool) -> Line:
        return Line(
            self._servers,
            node,
            sharded=sharded,
            canary=Canary(canary),
            origin=self._instance.encode(),
            reports=Reports(self._hear, self._settle, self._take_back),
            counters=self._counters,
        )

    def _take_back(self, items: Iterable[Item]) -> None:
        """A server may not have all its channels any more, nor these been said: who has them now?"""
        for item in items:
            self._lobby.keep(item)
        self._look.set()

    def _settle(self, channel: str) -> None:
        waiting = [waiter for waiter in self._waiters.get(channel, ()) if not waiter.done()]
        for waiter in waiting:
            waiter.set_result(None)
        if channel not in self._wanted:  # whoever came has left again
            return
        again = channel in self._begun  # then others than those who wait may have missed something
        self._begun.add(channel)
        if again or not waiting:  # nobody reads PostgreSQL after this confirmation, so somebody must look
            self._on_resync()

    def _hear(self, channel: str, hint: Hint) -> None:
        try:
            self._on_frame(channel, hint.seq, hint.payload, hint.prev)
        except Exception:  # one frame may be lost to a defect, never the line
            self._counters.add("bus_frame_failed")
            _log.exception("bus: a frame could not be handed on")
            self._on_resync()
