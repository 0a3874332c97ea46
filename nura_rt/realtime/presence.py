"""Who is online, on all instances, and that nobody is so too often. A lease for each open connection.

A killed instance stops renewing, so its connections are out of every count within LEASE_S + REFRESH_S. While
Redis is away nothing is said about presence, and the limit counts what is here alone.
"""

import asyncio
import time
from collections.abc import Callable
from itertools import islice

import msgspec

from nura_rt.cache.leases import Change, Leased, Leases
from nura_rt.protocol import server
from nura_rt.protocol.errors import Close
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.realtime.roster import Roster

LEASE_S = 40.0
REFRESH_S = 13.0  # so that two may fail before a lease ends, and both together stay below 60 s
_BATCH = 256
_AGAIN_S = 1.0
_AT_THE_END_S = 1.0
_PRESENCE = b'{"type":"presence"'  # how codec.encode begins that frame
_DISPLACED = b'{"type":"displaced","connection_id":"'  # between instances only; no client hears it


def displaced_id(data: bytes) -> str | None:
    """The connection that a frame on user:{id} puts out; None for every frame that is meant for clients."""
    return data[len(_DISPLACED) : -2].decode() if data.startswith(_DISPLACED) else None


class Presence:
    """`join` and `leave` never wait; `run` is the task that tells Redis and everybody else."""

    def __init__(
        self,
        leases: Leases,
        hub: Hub,
        roster: Roster,
        *,
        instance: str,
        at_most: int,
        refresh_s: float = REFRESH_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`leases` has the same `at_most`; `clock` says who was first."""
        self._leases = leases
        self._hub = hub
        self._roster = roster
        self._instance = instance
        self._at_most = at_most
        self._refresh_s = refresh_s
        self._clock = clock
        self._here: dict[str, dict[str, str]] = {}  # person -> connection -> its member, oldest first
        self._gone: dict[str, list[str]] = {}
        self._news: dict[str, None] = {}  # whose leases changed
        self._untold: set[str] = set()  # with a connection that was told no count yet
        self._due: dict[str, float] = {}  # when to renew; all wait equally long, so the first is due first
        self._ears: dict[str, _Ear] = {}
        self._changed = asyncio.Event()
        self._away = False

    def join(self, person_id: str, connection_id: str) -> None:
        """One more connection of this person, which the roster knows. Beyond the limit the oldest goes."""
        here = self._here.setdefault(person_id, {})
        if not here:
            self._ears[person_id] = ear = _Ear()
            self._hub.join(channels.user(person_id), ear)
        here[connection_id] = f"{int(self._clock() * 1000):013d}-{self._instance}-{connection_id}"
        while len(here) > self._at_most:  # not among the newest here: not among the newest anywhere
            self._displace(person_id, next(iter(here)))
        self._news[person_id] = None
        self._untold.add(person_id)
        self._changed.set()

    def leave(self, person_id: str, connection_id: str) -> None:
        """It is gone; one that is not here is ignored."""
        here = self._here.get(person_id, {})
        member = here.pop(connection_id, None)
        if member is None:
            return
        if not here:
            del self._here[person_id]
            self._untold.discard(person_id)
            self._hub.leave(channels.user(person_id), self._ears.pop(person_id))
        self._gone.setdefault(person_id, []).append(member)
        self._news[person_id] = None
        self._changed.set()

    async def count(self, person_id: str) -> int | None:
        """How many connections the person has, on all instances; None: unknown, Redis is away."""
        return await self._leases.count(person_id)

    async def run(self) -> None:
        """Carries news to Redis and renews, for ever; one pipeline at a time."""
        while True:
            await self._until_there_is_work()
            if not await self._tell_some():
                await asyncio.sleep(_AGAIN_S)

    async def leave_all(self) -> None:
        """The instance stops: its leases end now, if Redis takes it within a second."""
        for person_id, here in tuple(self._here.items()):
            for connection_id in tuple(here):
                self.leave(person_id, connection_id)
        try:
            async with asyncio.timeout(_AT_THE_END_S):
                while self._news and await self._tell_some():
                    pass
        except TimeoutError:
            pass  # they end by themselves

    async def _until_there_is_work(self) -> None:
        while not self._news:
            due = next(iter(self._due.values()), None)
            wait_s = None if due is None else due - time.monotonic()
            if wait_s is not None and (wait_s <= 0 or self._away):
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _tell_some(self) -> bool:
        """One pipeline; false when Redis is away."""
        news, changes = self._next()
        answers = await self._leases.renew(changes) if changes else []
        if answers is None:
            self._away = True  # until it is back, everybody here is due
            return False
        if self._away:  # it may have forgotten everything
            self._away = False
            self._due = dict.fromkeys(self._here, 0.0)
        for change, answer in zip(changes, answers, strict=True):
            if answer is not None:
                self._hear(change.person_id, answer, is_news=change.person_id in news)
        return True

    def _next(self) -> tuple[set[str], list[Change]]:
        """News first, then whose renewal is due. What is gone is told once; else its lease ends by itself."""
        now = time.monotonic()
        people = dict.fromkeys(islice(self._news, _BATCH // 2))  # the rest is for renewals, whatever the rush
        for person_id, due in self._due.items():
            if (due > now and not self._away) or len(people) >= _BATCH:
                break
            people[person_id] = None
        changes, news = [], self._news.keys() & people
        for person_id in people:
            self._news.pop(person_id, None)
            self._due.pop(person_id, None)
            held = list(self._here.get(person_id, {}).values())
            gone = self._gone.pop(person_id, [])
            if held:
                self._due[person_id] = now + self._refresh_s
            if held or gone:
                changes.append(Change(person_id, held, gone))
        return news, changes

    def _hear(self, person_id: str, leased: Leased, *, is_news: bool) -> None:
        """What Redis said, to a change or to a mere renewal."""
        channel = channels.user(person_id)
        for member in leased.displaced:
            _, instance, connection_id = member.split("-", 2)
            if instance == self._instance:
                self._displace(person_id, connection_id)
            else:
                self._hub.publish(channel, Payload(_DISPLACED + connection_id.encode() + b'"}'))
        ear = self._ears.get(person_id)
        is_new = ear is None or leased.count != ear.count
        frame = Payload.of(server.Presence(person_id, leased.count), Tier.EPHEMERAL)
        is_untold = person_id in self._untold
        self._untold.discard(person_id)
        if is_new and is_news:
            if leased.count:
                self._hub.publish(channel, frame)
        elif is_new or is_untold:
            # others find out by their own renewals; who just joined has not been told yet
            self._hub.receive(channel, None, frame)

    def _displace(self, person_id: str, connection_id: str) -> None:
        self.leave(person_id, connection_id)
        connection = self._roster.find(person_id, connection_id)
        if connection is not None:
            connection.close(Close.DISPLACED)


class _Ear:
    """Hears on user:{id} what this person's sockets were last told."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count: int | None = None

    def hear(self, seq: int | None, payload: Payload) -> None:
        if payload.data.startswith(_PRESENCE):
            self.count = msgspec.json.decode(payload.data, type=server.Presence).connections
