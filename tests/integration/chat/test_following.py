"""The channels of one connection over a real PostgreSQL: what happens while a replay is under way, after trouble."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conversations import Ear, Silent, Stored
from databases import Database
from nura_rt.auth.tokens import Identity
from nura_rt.chat.following import Following
from nura_rt.chat.session import Join, Leave, Session
from nura_rt.conversation.replay import Replay
from nura_rt.protocol.client import Subscribe, Unsubscribe
from nura_rt.protocol.server import ConversationRemoved
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.settings import Limits
from nura_rt.store import pool
from nura_rt.telemetry import Counters
from servers import eventually

SOFT = 100


class Outlet:
    """Keeps what was written; a `slow` peer takes nothing more."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.slow = False

    def write(self, payload: Payload) -> None:
        self.frames.append(json.loads(payload.data))

    def buffered(self) -> int:
        return SOFT + 1 if self.slow else 0

    def hang_up(self, code: int, reason: str) -> None:
        self.frames.append({"closed": code})


class Flaky:
    """A pool that fails so many times before it answers."""

    def __init__(self, people: asyncpg.Pool) -> None:
        self._people = people
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        if self.failures:
            self.failures -= 1
            raise ConnectionResetError
        return getattr(self._people, name)


class Device:
    """One connection of the conversation's owner."""

    def __init__(self, stored: Stored, people: Any) -> None:
        async def heard(_: str) -> bool:
            return True

        self.stored = stored
        self.outlet = Outlet()
        self.hub = Hub(Silent(), lambda _: None)
        self.replay = Replay(
            people=people,
            hub=self.hub,
            heard=heard,
            hears_others=lambda: True,
            limit=500,
            counters=Counters(),
        )
        self.connection = Connection("c1", self.outlet, soft_bytes=SOFT, hard_bytes=SOFT * 10)
        identity = Identity(stored.person_id, "s1", None, 9e9)
        self.session = Session(identity, Limits(), now=0.0)
        self.following = Following(self.hub, self.replay, self.connection, self.session)
        self.following.welcomed()

    def ask(self, since: int | None = None) -> Join:
        """The frame, through the session; the effect is the test's to carry out."""
        [effect] = self.session.on_frame(Subscribe("r", self.stored.channel, since), now=0.0)
        assert isinstance(effect, Join)
        return effect

    def covered(self) -> list[int]:
        """The seqs of the conversation that its frames told of, in their order."""
        seqs: list[int] = []
        for frame in self.outlet.frames:
            if frame["type"] == "gap":
                seqs += range(frame["from"], frame["to"] + 1)
            elif "seq" in frame:
                seqs.append(frame["seq"])
        return seqs


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=4)
    yield opened
    opened.terminate()


def told(seq: int) -> Payload:
    return Payload(json.dumps({"type": "message", "seq": seq}).encode())


async def test_what_was_removed_behind_the_head_is_told_once(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    """The room lags: it hands on later what a replay has found to be gone."""
    stored = await Stored.make(root, 3)
    device = Device(stored, people)
    device.hub.join(stored.channel, Ear())
    device.hub.settle(stored.channel, 3, owner=stored.person_id)
    await stored.grow(2)
    await stored.remove(3)
    await stored.remove(4)

    await device.following.join(device.ask(since=1))
    for seq in (4, 5, 6, 7):
        device.hub.receive(stored.channel, seq, told(seq))

    assert device.covered() == [2, 3, 4, 5, 6, 7]


async def test_a_conversation_that_goes_while_it_is_replayed_leaves_no_head_behind(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored = await Stored.make(root, 3)
    device = Device(stored, people)
    device.outlet.slow = True
    effect = device.ask(since=0)
    device.connection.later(lambda: device.following.join(effect))
    await eventually(lambda: device.outlet.frames)

    device.hub.receive(channels.user(stored.person_id), None, Payload.of(ConversationRemoved(stored.id)))
    device.outlet.slow = False
    await eventually(lambda: device.connection._task is None)

    assert (device.session.heads, device.session.joined) == ({}, set())
    assert device.hub.room(stored.channel) is None


async def test_a_second_try_that_was_already_asked_for_counts_as_joined(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    flaky = Flaky(people)
    device = Device(await Stored.make(root, 1), flaky)
    first, second = device.ask(), device.ask()
    flaky.failures = 1
    with pytest.raises(ConnectionResetError):
        await device.following.join(first)

    await device.following.join(second)

    assert device.session.joined == {device.stored.channel}


async def test_what_was_left_before_it_was_joined_is_left(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    device = Device(await Stored.make(root, 1), people)
    join = device.ask()
    [leave] = device.session.on_frame(Unsubscribe("r2", device.stored.channel), now=0.0)
    assert isinstance(leave, Leave)

    await device.following.join(join)
    device.following.leave(leave)

    assert (device.session.joined, device.session.heads) == (set(), {})
    assert device.hub.room(device.stored.channel) is None


async def test_a_failed_join_leaves_no_listener(root: asyncpg.Connection, people: asyncpg.Pool) -> None:
    flaky = Flaky(people)
    device = Device(await Stored.make(root, 1), flaky)
    flaky.failures = 1

    with pytest.raises(ConnectionResetError):
        await device.following.join(device.ask())

    assert device.hub.room(device.stored.channel) is None
    assert device.session.joined == set()


async def test_the_same_channel_again_begins_anew_with_one_listener(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored = await Stored.make(root, 2)
    device = Device(stored, people)

    for effect in (device.ask(since=1), device.ask(since=0)):
        await device.following.join(effect)
    device.hub.receive(stored.channel, 3, told(3))

    assert device.covered() == [2, 1, 2, 3]
    room = device.hub.room(stored.channel)
    assert room is not None
    assert len(room.listeners) == 1
