"""Two instances, a wire that loses, repeats and reorders, clients that come and go: whoever is caught up has the truth.

The truth is PostgreSQL: a client's snapshot and the frames that followed it equal a fresh read.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conversations import Stored
from databases import Database
from nura_rt.chat.subscription import Subscription
from nura_rt.conversation import frames
from nura_rt.conversation.catch_up import CatchUp
from nura_rt.conversation.replay import Replay
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import log, messages, pool
from nura_rt.telemetry import Counters

LIMIT = 12  # messages in one replay: small, so that it is met
TOLD = st.sampled_from(["whole", "hint", "never"])
Hint = tuple[int, int | None, Payload, int | None]


class Instance:
    """A hub with its replay and catching up; what it tells the other one is put on the wire."""

    def __init__(
        self,
        people: asyncpg.Pool,
        heads: asyncpg.Pool,
        wire: Callable[[int | None, Payload, int | None], None],
    ) -> None:
        self._wire = wire
        self.gaps: set[str] = set()
        counters = Counters()
        self.hub = Hub(self, on_gap=self.gaps.add)
        self.trusts = True
        self.meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.replay = Replay(
            people=people,
            hub=self.hub,
            heard=self.heard,
            hears_others=lambda: self.trusts,
            limit=LIMIT,
            counters=counters,
        )
        self.catch_up = CatchUp(
            people=people,
            heads=heads,
            hub=self.hub,
            hears_others=lambda: True,
            on_doubt=lambda _: None,
            counters=counters,
        )

    async def heard(self, channel: str) -> bool:
        """Whoever joined has not read yet."""
        await self.go_on()
        return True

    async def go_on(self) -> None:
        """What was to happen meanwhile does, once."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        self._wire(seq, payload, prev)


class Client:
    """What a client that keeps the rules knows: messages by seq, and up to where."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self.last: int | None = None
        self.at: tuple[Instance, Subscription] | None = None
        self.closed = False

    def write(self, payload: Payload) -> None:
        frame = json.loads(payload.data)
        assert self.last is not None
        first, last = frame.get("from", frame.get("seq")), frame.get("to", frame.get("seq"))
        assert last > self.last, f"after {self.last} came {frame['type']} {last} again"
        assert first <= self.last + 1, f"after {self.last} came {frame['type']} {first}"
        assert frame.get("reason") != "lost"
        self.last = last
        if frame["type"] == "message":
            self.known[last] = frame["message_id"]
        elif frame["type"] == "message.removed":
            self.known.pop(frame["removed_seq"], None)

    def buffered(self) -> int:
        return 0

    def hang_up(self, code: int, reason: str) -> None:
        self.closed = True


class AnyOrder(RuleBasedStateMachine):
    """One conversation; `setup` is given by the test."""

    setup: "Setup"

    def __init__(self) -> None:
        super().__init__()
        here = self.setup
        self.wire: list[tuple[int, Hint]] = []
        self.instances = [Instance(here.people, here.heads, self.tells(1 - n)) for n in (0, 1)]
        self.stored = here.run(Stored.make(here.root))
        self.clients = [Client() for _ in range(3)]
        self.left: set[int] = set()
        self.removals: dict[int, int] = {}  # the seq of a removal -> the seq of what it removed

    def tells(self, other: int) -> Callable[[int | None, Payload, int | None], None]:
        return lambda seq, payload, prev: self.wire.append((other, (0, seq, payload, prev)))

    @rule(by=st.integers(0, 1), count=st.integers(1, 4), told=TOLD)
    def commit(self, by: int, count: int, told: str) -> None:
        self.setup.run(self.committed(by, count, told))

    async def committed(self, by: int, count: int, told: str) -> None:
        first = self.stored.head + 1
        await self.stored.grow(count)
        self.left |= set(range(first, first + count))
        await self.tell(by, first, told)

    @precondition(lambda self: self.left)
    @rule(by=st.integers(0, 1), which=st.integers(0, 99), told=TOLD)
    def remove(self, by: int, which: int, told: str) -> None:
        self.setup.run(self.removed(by, which, told))

    async def removed(self, by: int, which: int, told: str) -> None:
        seq = sorted(self.left)[which % len(self.left)]
        self.left.discard(seq)
        removal = await self.stored.remove(seq)
        self.removals[removal] = seq
        await self.tell(by, removal, told)

    async def tell(self, by: int, first: int, told: str) -> None:
        hub, stored = self.instances[by].hub, self.stored
        if told == "hint":
            hub.announce(stored.channel, stored.head)
        elif told == "whole":
            entries = await log.after(self.setup.people, stored.person_id, stored.id, first - 1, limit=99)
            for entry in entries:
                hub.publish(stored.channel, Payload.of(frames.log_entry(stored.id, entry)), seq=entry.seq)

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 99), fate=st.sampled_from(["arrives", "arrives", "twice", "lost"]))
    def carry(self, which: int, fate: str) -> None:
        """Hints cross in any order."""
        to, (_, seq, payload, prev) = self.wire.pop(which % len(self.wire))
        for _ in range({"arrives": 1, "twice": 2, "lost": 0}[fate]):
            self.instances[to].hub.receive(self.stored.channel, seq, payload if payload.data else None, prev)

    @rule(
        who=st.integers(0, 2),
        at=st.integers(0, 1),
        told=TOLD,
        meanwhile=st.sampled_from([None, 1, 3, "remove"]),
    )
    def connect(self, who: int, at: int, told: str, meanwhile: int | str | None) -> None:
        """Something may happen once it has joined: before the head is read, or before the past is."""
        client, instance = self.clients[who], self.instances[at]
        self.disconnect(who)
        room = instance.hub.room(self.stored.channel)
        heard_of = self.stored.head if not instance.trusts or room is None else room.known
        gone = {seq for removal, seq in self.removals.items() if removal <= heard_of}
        if isinstance(meanwhile, int):
            instance.meanwhile = partial(self.committed, 1 - at, meanwhile, told)
        elif meanwhile == "remove" and self.left:
            instance.meanwhile = partial(self.removed, 1 - at, who, told)

        self.setup.run(self.follow(client, instance))

        assert not gone & set(client.known)

    @rule(at=st.integers(0, 1), trusts=st.booleans())
    def trust(self, at: int, trusts: bool) -> None:
        """Whether an instance believes that it hears of everything."""
        self.instances[at].trusts = trusts

    async def follow(self, client: Client, instance: Instance) -> None:
        connection = Connection(str(id(client)), client, soft_bytes=1 << 20, hard_bytes=1 << 20)
        listener = Subscription(connection, self.stored.channel, {}, lambda _: None)
        person_id, conversation_id = self.stored.person_id, self.stored.id
        missed = await instance.replay.join(listener, person_id, conversation_id, client.last)
        assert missed is not None
        await instance.go_on()
        if client.last is None or not missed.recovered:
            rows = await messages.list_after(self.setup.people, person_id, conversation_id, 0, limit=999)
            client.known = {row.seq: row.id for row in rows if row.seq <= missed.head}
            client.last = missed.head
        async for page in instance.replay.pages(person_id, conversation_id, missed):
            for payload in page:
                connection.send(payload)
        listener.go_live(missed.head)
        client.at = (instance, listener)

    @rule(who=st.integers(0, 2))
    def disconnect(self, who: int) -> None:
        client = self.clients[who]
        if client.at is not None:
            instance, listener = client.at
            instance.hub.leave(self.stored.channel, listener)
            client.at = None

    @rule(at=st.integers(0, 1))
    def fill(self, at: int) -> None:
        """What the loops of `CatchUp` do when they get to it."""
        instance = self.instances[at]
        for channel in tuple(instance.gaps):
            self.setup.run(instance.catch_up._fill(channel))
            instance.gaps.discard(channel)

    @invariant()
    def what_is_missing_is_asked_for(self) -> None:
        for instance in self.instances:
            room = instance.hub.room(self.stored.channel)
            assert room is None or not room.has_gap or self.stored.channel in instance.gaps

    def teardown(self) -> None:
        """After one look at the heads everybody who is connected has everything."""
        for at, instance in enumerate(self.instances):
            self.setup.run(instance.catch_up._check(instance.hub.rooms()))
            self.fill(at)
        rows = self.setup.run(
            messages.list_after(self.setup.people, self.stored.person_id, self.stored.id, 0, limit=999)
        )
        for client in self.clients:
            if client.at is not None:
                assert client.last == self.stored.head
                assert client.known == {row.seq: row.id for row in rows}


class Setup:
    """Pools of one loop, and a way to wait for what they do."""

    def __init__(self, root: asyncpg.Connection, people: asyncpg.Pool, heads: asyncpg.Pool) -> None:
        self.root = root
        self.people = people
        self.heads = heads
        self._loop = asyncio.get_running_loop()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """From the machine's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@pytest.fixture
async def setup(database: Database, root: asyncpg.Connection) -> AsyncIterator[Setup]:
    people = await pool.open_pool(database.url, "nura_app", smallest=1, largest=4)
    heads = await pool.open_pool(database.url, "nura_writer", smallest=1, largest=2)
    yield Setup(root, people, heads)
    for opened in (people, heads):
        opened.terminate()


async def test_snapshot_and_frames_equal_a_fresh_read(setup: Setup) -> None:
    machine = type("Machine", (AnyOrder,), {"setup": setup})
    how = settings(
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking over a database takes minutes
    )

    await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
