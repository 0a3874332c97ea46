"""What this instance tells the others, one pipeline at a time. What could not be told is announced later."""

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_BODY_AT_MOST = 8 * 1024  # a larger frame is announced by its seq alone and read from PostgreSQL
_WAITING_AT_MOST = 10_000
_WITHIN_S = 2.0
_RETRY_S = 0.5


class Outbound:
    """At most once for what is ephemeral; a seq or a support card is said again until Redis took it."""

    def __init__(self, client: Redis, *, instance: str, counters: Counters) -> None:
        self._client = client
        self._origin = instance.encode()
        self._counters = counters
        self._waiting: list[tuple[str, int | None, Payload]] = []
        self._unsaid: dict[str, int] = {}
        self._ready = asyncio.Event()

    def publish(self, channel: str, seq: int | None, payload: Payload) -> None:
        """Queues for the next pipeline. Too far behind: only the seq is kept, PostgreSQL has the rest."""
        if len(self._waiting) < _WAITING_AT_MOST:
            self._waiting.append((channel, seq, payload))
        else:
            self._counters.add("bus_dropped")
            self._remember(channel, seq)
        self._ready.set()

    async def send_for_ever(self) -> None:
        """Everything published in one turn of the loop leaves together."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            unsaid, self._unsaid = self._unsaid, {}
            batch, self._waiting = self._waiting, []
            batch += [(channel, seq, Payload(b"")) for channel, seq in unsaid.items()]
            if not await self._send(batch):
                self._counters.add("bus_send_failed", len(batch))
                self._keep(batch)
                await asyncio.sleep(_RETRY_S)
                self._ready.set()

    async def _send(self, batch: list[tuple[str, int | None, Payload]]) -> bool:
        try:
            async with asyncio.timeout(_WITHIN_S):
                pipe = self._client.pipeline(transaction=False)
                for channel, seq, payload in batch:
                    pipe.publish(channels.on_bus(channel), self._body(seq, payload))
                results = await pipe.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError):
            return False
        refused = next((result for result in results if isinstance(result, Exception)), None)
        if refused is not None:
            _log.error("bus: Redis refuses to publish", exc_info=refused)
        return refused is None

    def _body(self, seq: int | None, payload: Payload) -> bytes:
        body = payload.data if len(payload.data) <= _BODY_AT_MOST else b""
        return b"%b %d %d\n%b" % (self._origin, seq or 0, payload.tier, body)

    def _keep(self, batch: list[tuple[str, int | None, Payload]]) -> None:
        """Of a failed batch: seqs as hints, support cards whole; typing and deltas are gone."""
        for channel, seq, payload in batch:
            self._remember(channel, seq)
            if payload.tier is Tier.SUPPORT and len(self._waiting) < _WAITING_AT_MOST:
                self._waiting.append((channel, seq, payload))

    def _remember(self, channel: str, seq: int | None) -> None:
        if seq is not None:
            self._unsaid[channel] = max(seq, self._unsaid.get(channel, 0))
