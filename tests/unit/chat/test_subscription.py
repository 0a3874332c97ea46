"""A place in a conversation: replay first, then live, each seq once and in order."""

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.chat.subscription import PersonalChannel, Subscription
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


def subscribed() -> tuple[Subscription, Outlet, dict[str, int]]:
    outlet, heads = Outlet(), dict[str, int]()
    connection = Connection("c1", outlet, soft_bytes=SOFT, hard_bytes=SOFT * 10)
    return Subscription(connection, CHANNEL, heads), outlet, heads


async def test_nothing_is_sent_before_it_is_live() -> None:
    subscription, outlet, _ = subscribed()

    subscription.hear(1, payload(1))

    assert outlet.written == []


async def test_the_replay_comes_first_and_nothing_twice() -> None:
    subscription, outlet, heads = subscribed()
    for seq in (3, 4, 5):
        subscription.hear(seq, payload(seq))
    await subscription.go_live(4, [payload(2), payload(3), payload(4)])
    subscription.hear(5, payload(5))
    subscription.hear(6, payload(6))

    assert outlet.seqs == [2, 3, 4, 5, 6]
    assert heads == {CHANNEL: 6}


async def test_a_frame_without_seq_keeps_its_place_among_the_waiting() -> None:
    subscription, outlet, _ = subscribed()
    subscription.hear(2, payload(2))
    subscription.hear(None, Payload(b'{"seq":"delta"}'))
    subscription.hear(3, payload(3))

    await subscription.go_live(1, [payload(1)])

    assert outlet.seqs == [1, 2, "delta", 3]


async def test_a_new_place_begins_anew_where_the_client_says() -> None:
    subscription, outlet, heads = subscribed()
    heads[CHANNEL] = 9

    await subscription.go_live(9, [payload(8), payload(9)])
    subscription.hear(10, payload(10))

    assert outlet.seqs == [8, 9, 10]


async def test_who_hears_too_much_while_replaying_is_closed_as_slow() -> None:
    subscription, outlet, _ = subscribed()

    for seq in range(1, 1002):
        subscription.hear(seq, payload(seq))

    assert outlet.closed == [4408]


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
    subscription, outlet, heads = subscribed()
    head = since + missed
    first = min(begin, head) + 1
    coming = list(range(first, first + live))

    def hear_one() -> None:
        if coming:
            seq = coming.pop(0)
            subscription.hear(seq, payload(seq))

    def meanwhile() -> bool:
        if slow:
            asyncio.get_running_loop().call_soon(hear_one)
            return slow.pop()
        return False

    for _ in range(early):
        hear_one()
    outlet.meanwhile = meanwhile
    await subscription.go_live(head, [payload(seq) for seq in range(since + 1, head + 1)])
    await asyncio.sleep(0)
    outlet.meanwhile = lambda: False
    while coming:
        hear_one()

    last = max(head, first + live - 1)
    assert outlet.seqs == list(range(since + 1, last + 1))
    assert heads == {CHANNEL: last}


@pytest.mark.parametrize("seq", [None, 1])
async def test_the_personal_channel_sends_all_at_once(seq: int | None) -> None:
    outlet = Outlet()
    personal = PersonalChannel(Connection("c1", outlet, soft_bytes=SOFT, hard_bytes=SOFT))

    personal.hear(seq, payload(1))
    personal.hear(seq, payload(1))

    assert outlet.seqs == [1, 1]
