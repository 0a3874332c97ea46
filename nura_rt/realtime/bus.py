"""Instance to instance over Redis pub/sub: a doorbell, at most once. Every surprise means "look at PostgreSQL"."""

import asyncio
import logging
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from nura_rt.realtime import channels
from nura_rt.realtime.outbound import Outbound
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_BOOT = b"nura:{boot}"  # concurrent first subscribes would open a connection each: this one comes first

OnFrame = Callable[[str, int | None, Payload | None], None]


class RedisBus:
    """The hub's relay. `receive_for_ever` keeps one subscriber connection and reports every new beginning."""

    def __init__(
        self,
        client: Redis,
        *,
        instance: str,
        on_frame: OnFrame,
        on_resync: Callable[[], None],
        counters: Counters,
    ) -> None:
        self._client = client
        self._origin = instance.encode()
        self._on_frame = on_frame
        self._on_resync = on_resync
        self._counters = counters
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._confirmed: set[str] = set()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._changed = asyncio.Event()
        self._outbound = Outbound(client, instance=instance, counters=counters)
        self.connected = False

    def want(self, channel: str) -> None:
        """Starts to receive the channel; `confirmed` tells when Redis has said so."""
        self._wanted.add(channel)
        self._changed.set()

    def drop(self, channel: str) -> None:
        """Stops to receive the channel."""
        self._wanted.discard(channel)
        self._changed.set()

    async def confirmed(self, channel: str, *, timeout_s: float) -> bool:
        """True once Redis confirmed; false after the timeout (then a later confirmation brings a resync)."""
        if channel in self._confirmed:
            return True
        if not self.connected:  # when Redis is back, every channel counts as doubtful anyway
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

    def publish(self, channel: str, seq: int | None, payload: Payload) -> None:
        """Tells the other instances, soon; see `Outbound` for what happens when Redis does not take it."""
        self._outbound.publish(channel, seq, payload)

    async def send_for_ever(self) -> None:
        """Carries what was published to Redis."""
        await self._outbound.send_for_ever()

    async def receive_for_ever(self) -> None:
        """Subscribes, reads, and after any failure begins anew with a fresh connection."""
        delay_s = 0.05
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(_BOOT)
                    await self._first_confirmation(pubsub)
                    delay_s = 0.05
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._follow_wishes(pubsub))
                        group.create_task(self._read(pubsub))
            except* (RedisError, OSError, TimeoutError):
                self._counters.add("bus_receive_failed")
                _log.warning("bus: connection to Redis lost, trying again")
            self._forget_connection()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, 1.0)

    async def _first_confirmation(self, pubsub: PubSub) -> None:
        async with asyncio.timeout(5):
            while (await pubsub.get_message(timeout=1)) is None:
                pass
        self._asked = set()
        self._changed.set()
        self.connected = True
        self._on_resync()

    def _forget_connection(self) -> None:
        self.connected = False
        self._asked = set()
        self._confirmed = set()

    async def _follow_wishes(self, pubsub: PubSub) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            gone = self._asked - self._wanted
            new = self._wanted - self._asked
            self._asked = set(self._wanted)
            self._confirmed -= gone
            if gone:
                await pubsub.unsubscribe(*map(channels.on_bus, gone))
            if new:
                await pubsub.subscribe(*map(channels.on_bus, new))

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=None)
            if message is None:
                continue
            if message["type"] == "message":
                self._take(channels.from_bus(message["channel"]), message["data"])
            elif message["type"] == "subscribe":
                self._confirm(message["channel"])

    def _confirm(self, name: bytes) -> None:
        channel = channels.from_bus(name)
        if name == _BOOT or channel in self._confirmed:
            # redis-py reconnected without a word: whatever was said meanwhile is lost
            self._on_resync()
            return
        if channel in self._asked:
            self._confirmed.add(channel)
        waiting = [waiter for waiter in self._waiters.get(channel, ()) if not waiter.done()]
        for waiter in waiting:
            waiter.set_result(None)
        if not waiting:  # nobody reads PostgreSQL after this confirmation, so somebody must look
            self._on_resync()

    def _take(self, channel: str, data: bytes) -> None:
        head, _, body = data.partition(b"\n")
        try:
            origin, seq, tier = head.split(b" ")
            payload = Payload(body, Tier(int(tier))) if body else None
            number = int(seq) or None
        except ValueError:
            self._counters.add("bus_unreadable")
            return
        if origin != self._origin:
            self._on_frame(channel, number, payload)
