"""What this instance tells the others through one server, some at a time. What could not be told is told later."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from redis.exceptions import MovedError, ResponseError

from nura_rt.cache.servers import UNREACHABLE, Link, Servers
from nura_rt.cache.slots import Node
from nura_rt.protocol.server import Gap
from nura_rt.realtime import channels, hint
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_BODY_AT_MOST = 8 * 1024  # a larger frame is announced by its seq alone and read from PostgreSQL
_SEQLESS_AT_MOST = 64 * 1024  # it is not in PostgreSQL: whole, or not at all
_WAITING_AT_MOST = 10_000
_WAITING_BYTES = 16 * 1024 * 1024
_UNSAID_AT_MOST = 100_000
_AT_ONCE = 512
_WITHIN_S = 2.0
_RETRY_S = 0.5
# how codec.encode begins the frames without a seq that are told whole: else a draft would stay on the screen, and
# another instance would go on handing out what was deleted
_WHOLE = (b'{"type":"reply.ended"', b'{"type":"conversation.removed"')


class Item(NamedTuple):
    """A frame for the others."""

    channel: str
    seq: int | None
    prev: int | None
    payload: Payload


class Unsaid:
    """What must still be said: the highest seq of each channel, support cards and what ended whole, and that a
    person may have missed something. What is ephemeral is gone."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._seqs: dict[str, int] = {}
        self._cards: deque[Item] = deque(maxlen=_WAITING_AT_MOST)
        self._ends: deque[Item] = deque()
        self._lost: dict[str, None] = {}  # people whose own channel lacks something

    def keep(self, item: Item) -> None:
        """Takes what matters of it."""
        if item.payload.tier is Tier.SUPPORT:
            self._cards.append(item)
        elif item.payload.tier is Tier.EPHEMERAL:
            self._counters.add("bus_dropped")
        elif item.seq is not None and (item.channel in self._seqs or len(self._seqs) < _UNSAID_AT_MOST):
            self._seqs[item.channel] = max(item.seq, self._seqs.get(item.channel, 0))
        elif item.payload.data.startswith(_WHOLE):
            if len(self._ends) >= _WAITING_AT_MOST:
                self._give_up(self._ends.popleft())
            self._ends.append(item)
        else:
            self._give_up(item)

    def _give_up(self, item: Item) -> None:
        self._counters.add("bus_dropped")
        if _is_missed(item) and len(self._lost) < _UNSAID_AT_MOST:
            self._lost[item.channel] = None

    def __bool__(self) -> bool:
        return bool(self._cards or self._seqs or self._ends or self._lost)

    def take_all(self) -> list[Item]:
        """All of it."""
        return self.take(2 * (_UNSAID_AT_MOST + _WAITING_AT_MOST))

    def take(self, at_most: int) -> list[Item]:
        """Some of it, which is then no longer here."""
        some = [self._cards.popleft() for _ in range(min(at_most, len(self._cards)))]
        while self._seqs and len(some) < at_most:
            channel, seq = self._seqs.popitem()
            some.append(Item(channel, seq, None, Payload(b"")))
        some += [self._ends.popleft() for _ in range(min(at_most - len(some), len(self._ends)))]
        while self._lost and len(some) < at_most:
            channel, _ = self._lost.popitem()
            some.append(Item(channel, None, None, Payload.of(Gap(channel, 0, 0, "lost"))))
        return some


class Outbound:
    """At most once for what is ephemeral; a seq or a support card is said again until Redis took it."""

    def __init__(
        self,
        servers: Servers,
        node: Node,
        *,
        verb: str,
        origin: bytes,
        on_moved: Callable[[list[Item]], None],
        on_refusal: Callable[[Exception], None],
        counters: Counters,
    ) -> None:
        """`on_refusal` hears of each failure to publish, `on_moved` what another server has to take."""
        self._servers = servers
        self._node = node
        self._verb = verb
        self._origin = origin
        self._on_moved = on_moved
        self._on_refusal = on_refusal
        self._counters = counters
        self._waiting: deque[Item] = deque()
        self._bytes = 0
        self._flying: list[Item] = []
        self._unsaid = Unsaid(counters)
        self._ready = asyncio.Event()
        self._refused = False
        self._failed = False

    def publish(self, item: Item) -> None:
        """Queues it. Too far behind: only the seq is kept, PostgreSQL has the rest."""
        if len(self._waiting) < _WAITING_AT_MOST and self._bytes < _WAITING_BYTES:
            self._waiting.append(item)
            self._bytes += len(item.payload.data)
        else:
            self._counters.add("bus_dropped")
            self._unsaid.keep(item)
        self._ready.set()

    @property
    def is_behind(self) -> bool:
        """Something that matters could not be told and still has to be."""
        return self._failed or bool(self._unsaid)

    def unsaid(self) -> list[Item]:
        """What must still be said, when nobody sends any more."""
        for item in (*self._flying, *self._waiting):
            self._unsaid.keep(item)
        return self._unsaid.take_all()

    async def send_for_ever(self) -> None:
        """What was published in one turn of the loop leaves together."""
        link = self._servers.link(self._node)
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                while batch := self._next():
                    unsaid = await self._say(link, batch)
                    self._flying = []
                    for item in unsaid:
                        self._unsaid.keep(item)
                    # what is tried again is taken out of `_unsaid` meanwhile
                    self._failed = bool(unsaid and self._unsaid)
                    if unsaid:
                        self._counters.add("bus_send_failed", len(unsaid))
                        await asyncio.sleep(_RETRY_S)
        finally:
            await link.close()

    def _next(self) -> list[Item]:
        self._flying = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        self._bytes -= sum(len(item.payload.data) for item in self._flying)
        self._flying += self._unsaid.take(_AT_ONCE - len(self._flying))
        return self._flying

    async def _say(self, link: Link, batch: list[Item]) -> list[Item]:
        """What Redis did not take."""
        commands = [(self._verb, channels.on_bus(item.channel), self._body(item)) for item in batch]
        try:
            async with asyncio.timeout(_WITHIN_S):
                if not link.is_open:
                    await link.open()
                replies = await link.ask(commands)
        except (
            Exception
        ) as error:  # what is not in UNREACHABLE is a defect: it may cost a batch, never the line
            if not isinstance(error, UNREACHABLE):
                _log.exception("bus: a batch could not be said")
            self._on_refusal(error)
            await link.close()
            return batch
        unsaid = [
            (item, reply)
            for item, reply in zip(batch, replies, strict=True)
            if isinstance(reply, ResponseError)
        ]
        moved = [item for item, reply in unsaid if isinstance(reply, MovedError)]
        if unsaid:
            self._on_refusal(unsaid[0][1])
        if moved:
            self._on_moved(moved)
        refused = [(item, reply) for item, reply in unsaid if not isinstance(reply, MovedError)]
        if refused and not self._refused:
            _log.error("bus: Redis refuses to publish: %s", refused[0][1])
        self._refused = bool(refused)
        return [item for item, _ in refused]

    def _body(self, item: Item) -> bytes:
        at_most = _BODY_AT_MOST if item.seq is not None else _SEQLESS_AT_MOST
        body = item.payload.data
        if len(body) > at_most:
            if item.seq is None:
                self._counters.add("bus_dropped")
            body = b""
        return hint.encode(self._origin, item.seq, item.prev, item.payload.tier, body)


def _is_missed(item: Item) -> bool:
    """Whether a person's devices have to look anew without it. In a conversation only seqs can be missed so."""
    name = channels.parse(item.channel)
    return name is not None and name.kind == "user"
