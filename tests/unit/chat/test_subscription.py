"""A place in a conversation: replay first, then live, each seq once and in order."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.chat.subscription import PersonalChannel, Subscription
from nura_rt.protocol.server import ConversationRemoved, Read, Unsubscribed
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.payload import Payload

CHANNEL = "conversation:c"
SOFT = 100


class Outlet:
    """Keeps what was written; before each wait of a replay it may let something happen and be slow."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed: list[int] = []
        self.meanwhile: Callable[[], bool] = lambda: False

    def write(self, payload: Payload) -> None:
        self.written.append(payload.data)

    def buffered(self) -> int:
        return SOFT + 1 if self.meanwhile() else 0

    def hang_up(self, code: int, reason: str) -> None:
        self.closed.append(code)

    @property
    def seqs(self) -> list[int]:
        return [json.loads(data)["seq"] for data in self.written]


def payload(seq: int) -> Payload:
    return Payload(json.dumps({"seq": seq}).encode())


class Place:
    """A subscription on its connection, replayed as `chat.client` does it: at the peer's pace, then live."""

    def __init__(self) -> None:
        self.outlet = Outlet()
        self.heads: dict[str, int] = {}
        self.removed: list[str] = []
        self._connection = Connection("c1", self.outlet, soft_bytes=SOFT, hard_bytes=SOFT * 10)
        self._subscription = Subscription(self._connection, CHANNEL, self.heads, self.removed.append)
        self.hear = self._subscription.hear

    async def replay(self, head: int, missed: list[Payload]) -> None:
        for one in missed:
            await self._connection.drained()
            self._connection.send(one)
        self._subscription.go_live(head)


async def test_nothing_is_sent_before_it_is_live() -> None:
    place = Place()

    place.hear(1, payload(1))

    assert place.outlet.written == []


async def test_the_replay_comes_first_and_nothing_twice() -> None:
    place = Place()
    for seq in (3, 4, 5):
        place.hear(seq, payload(seq))
    await place.replay(4, [payload(2), payload(3), payload(4)])
    place.hear(5, payload(5))
    place.hear(6, payload(6))

    assert place.outlet.seqs == [2, 3, 4, 5, 6]
    assert place.heads == {CHANNEL: 6}


async def test_a_frame_without_seq_keeps_its_place_among_the_waiting() -> None:
    place = Place()
    place.hear(2, payload(2))
    place.hear(None, Payload(b'{"seq":"delta"}'))
    place.hear(3, payload(3))

    await place.replay(1, [payload(1)])

    assert place.outlet.seqs == [1, 2, "delta", 3]


async def test_a_new_place_begins_anew_where_the_client_says() -> None:
    place = Place()
    place.heads[CHANNEL] = 9

    await place.replay(9, [payload(8), payload(9)])
    place.hear(10, payload(10))

    assert place.outlet.seqs == [8, 9, 10]


async def test_who_hears_too_much_while_replaying_is_closed_as_slow() -> None:
    place = Place()

    for seq in range(1, 1002):
        place.hear(seq, payload(seq))

    assert place.outlet.closed == [4408]


@settings(max_examples=60, deadline=None)
@given(
    since=st.integers(0, 5),
    missed=st.integers(0, 5),
    begin=st.integers(0, 5),
    live=st.integers(0, 8),
    early=st.integers(0, 8),
    slow=st.lists(st.booleans(), max_size=6),
)
async def test_replay_and_live_in_any_interleaving_give_each_seq_once(
    since: int, missed: int, begin: int, live: int, early: int, slow: list[bool]
) -> None:
    """The room hands on begin+1.. in order; `early` of them before the replay, others at each of its waits."""
    place = Place()
    head = since + missed
    first = min(begin, head) + 1
    coming = list(range(first, first + live))

    def hear_one() -> None:
        if coming:
            seq = coming.pop(0)
            place.hear(seq, payload(seq))

    def meanwhile() -> bool:
        if slow:
            asyncio.get_running_loop().call_soon(hear_one)
            return slow.pop()
        return False

    for _ in range(early):
        hear_one()
    place.outlet.meanwhile = meanwhile
    await place.replay(head, [payload(seq) for seq in range(since + 1, head + 1)])
    await asyncio.sleep(0)
    place.outlet.meanwhile = lambda: False
    while coming:
        hear_one()

    last = max(head, first + live - 1)
    assert place.outlet.seqs == list(range(since + 1, last + 1))
    assert place.heads == {CHANNEL: last}


def personal_channel(outlet: Outlet, **told: Any) -> PersonalChannel:
    connection = Connection("c1", outlet, soft_bytes=SOFT, hard_bytes=SOFT)
    personal = PersonalChannel(
        connection, **{"on_removed": lambda _: None, "on_read": lambda *_: None, **told}
    )
    personal.go_live()
    return personal


@pytest.mark.parametrize("seq", [None, 1])
async def test_the_personal_channel_sends_all_at_once(seq: int | None) -> None:
    outlet = Outlet()
    personal = personal_channel(outlet)

    personal.hear(seq, payload(1))
    personal.hear(seq, payload(1))

    assert outlet.seqs == [1, 1]


def test_the_personal_channel_tells_of_deleted_conversations_only() -> None:
    outlet, removed = Outlet(), list[str]()
    personal = personal_channel(outlet, on_removed=removed.append)

    personal.hear(None, Payload.of(Unsubscribed("conversation.removed")))
    personal.hear(None, Payload.of(ConversationRemoved("c7")))

    assert removed == ["c7"]
    assert len(outlet.written) == 2


def test_the_personal_channel_tells_how_far_was_read() -> None:
    outlet, read = Outlet(), list[tuple[str, int]]()
    personal = personal_channel(
        outlet, on_read=lambda conversation_id, seq: read.append((conversation_id, seq))
    )

    personal.hear(None, Payload.of(Read("c7", 12)))

    assert read == [("c7", 12)]
    assert len(outlet.written) == 1


@pytest.mark.parametrize(("connection_id", "closed"), [("c1", [4507]), ("c2", [])])
def test_only_the_displaced_connection_goes_and_none_hears_of_it(
    connection_id: str, closed: list[int]
) -> None:
    outlet = Outlet()
    personal = personal_channel(outlet)

    personal.hear(None, Payload(b'{"type":"displaced","connection_id":"%b"}' % connection_id.encode()))

    assert (outlet.closed, outlet.written) == (closed, [])


async def test_a_conversation_that_is_gone_is_told_and_left() -> None:
    place = Place()
    await place.replay(0, [])

    place.hear(None, Payload.of(ConversationRemoved("c")))

    assert place.removed == ["c"]
    assert len(place.outlet.written) == 1
