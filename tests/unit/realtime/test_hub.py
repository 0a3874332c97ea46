"""The hub's one promise: whatever order frames and hints come in, a listener hears a gapless sequence."""

import pytest

from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload

CHANNEL = "conversation:c"


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[int | None] = []
        self.texts: list[bytes] = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        self.heard.append(seq)
        self.texts.append(payload.data)


class Relay:
    """The bus's side, written down."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str] | tuple[str, str, int | None, bytes]] = []

    def want(self, channel: str) -> None:
        self.said.append(("want", channel))

    def drop(self, channel: str) -> None:
        self.said.append(("drop", channel))

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        self.said.append(("publish", channel, seq, payload.data))


class House:
    """A hub, its relay, the gaps it asked for and one listener."""

    def __init__(self) -> None:
        self.relay = Relay()
        self.gaps: list[str] = []
        self.hub = Hub(self.relay, self.gaps.append)
        self.ear = Ear()
        self.hub.join(CHANNEL, self.ear)

    def receive(self, *seqs: int) -> None:
        for seq in seqs:
            self.hub.receive(CHANNEL, seq, Payload(b"%d" % seq))


@pytest.mark.parametrize(
    ("arrivals", "heard", "asks"),
    [
        ((4, 5, 6), [4, 5, 6], False),
        ((5, 4), [4, 5], True),
        ((6, 5, 4), [4, 5, 6], True),
        ((4, 4, 4), [4], False),
        ((1, 2, 3), [], False),
        ((5, 6), [], True),
        ((5, 5, 4, 5, 4), [4, 5], True),
    ],
)
def test_arrivals_are_handed_on_in_order(arrivals: tuple[int, ...], heard: list[int], asks: bool) -> None:
    house = House()
    house.hub.settle(CHANNEL, 3)

    house.receive(*arrivals)

    assert house.ear.heard == heard
    assert house.ear.texts == [b"%d" % seq for seq in heard]
    assert bool(house.gaps) is asks


def test_before_the_head_is_known_nothing_is_handed_on() -> None:
    house = House()

    house.receive(7, 5, 6)

    assert house.ear.heard == []
    assert house.gaps == []


def test_the_head_lets_out_what_waited_beyond_it() -> None:
    house = House()
    house.receive(7, 5, 6)

    house.hub.settle(CHANNEL, 5)

    assert house.ear.heard == [6, 7]


def test_a_later_head_only_asks_for_what_is_missing() -> None:
    house = House()
    house.hub.settle(CHANNEL, 3)

    house.hub.settle(CHANNEL, 5)

    assert (house.ear.heard, house.gaps) == ([], [CHANNEL])


def test_the_news_of_a_seq_asks_for_it_here_and_tells_the_others() -> None:
    house = House()
    house.hub.settle(CHANNEL, 3)

    house.hub.announce(CHANNEL, 4)

    assert (house.ear.heard, house.gaps) == ([], [CHANNEL])
    assert house.relay.said[-1] == ("publish", CHANNEL, 4, b"")


def test_a_long_gap_is_closed_however_much_waited_behind_it() -> None:
    house = House()
    house.hub.settle(CHANNEL, 0)
    house.receive(*range(2, 1000))

    house.receive(1)
    for _ in range(10):  # as PostgreSQL is asked: from the head on, 200 at once
        room = house.hub.room(CHANNEL)
        assert room is not None
        assert room.head is not None
        house.receive(*range(room.head + 1, min(room.head + 201, 1000)))

    assert house.ear.heard == list(range(1, 1000))


def test_a_frame_without_seq_is_handed_on_as_it_comes() -> None:
    house = House()

    house.hub.publish(CHANNEL, Payload(b"typing"))

    assert (house.ear.heard, house.ear.texts) == ([None], [b"typing"])
    assert house.relay.said[-1] == ("publish", CHANNEL, None, b"typing")


def test_every_listener_hears_the_same_bytes() -> None:
    house, other = House(), Ear()
    house.hub.join(CHANNEL, other)
    house.hub.settle(CHANNEL, 0)

    house.receive(1, 2)

    assert (other.heard, other.texts) == (house.ear.heard, house.ear.texts) == ([1, 2], [b"1", b"2"])


def test_the_instance_subscribes_with_the_first_and_leaves_with_the_last() -> None:
    house, other = House(), Ear()
    house.hub.join(CHANNEL, other)
    house.hub.join(CHANNEL, other)
    house.hub.leave(CHANNEL, other)
    house.hub.leave(CHANNEL, other)
    before = list(house.relay.said)
    house.hub.leave(CHANNEL, house.ear)

    assert before == [("want", CHANNEL)]
    assert house.relay.said == [("want", CHANNEL), ("drop", CHANNEL)]
    assert tuple(house.hub.rooms()) == ()


def test_who_left_hears_nothing() -> None:
    house = House()
    house.hub.settle(CHANNEL, 0)
    house.hub.leave(CHANNEL, house.ear)

    house.receive(1)
    house.hub.settle(CHANNEL, 1)

    assert house.ear.heard == []


def test_a_listener_may_leave_while_it_hears() -> None:
    house, other = House(), Ear()

    class Leaver(Ear):
        def hear(self, seq: int | None, payload: Payload) -> None:
            super().hear(seq, payload)
            house.hub.leave(CHANNEL, self)

    leaver = Leaver()
    house.hub.join(CHANNEL, leaver)
    house.hub.join(CHANNEL, other)
    house.hub.settle(CHANNEL, 0)

    house.receive(1, 2)

    assert (leaver.heard, other.heard) == ([1], [1, 2])


def test_rooms_do_not_hear_each_other() -> None:
    house = House()
    house.hub.settle(CHANNEL, 0)

    house.hub.receive("conversation:d", 1, Payload(b"1"))

    assert house.ear.heard == []


def test_a_room_knows_whose_it_is_once_told() -> None:
    house = House()
    house.hub.settle(CHANNEL, 0, owner="ann")
    house.hub.settle(CHANNEL, 0)

    room = house.hub.room(CHANNEL)

    assert room is not None
    assert room.owner == "ann"
