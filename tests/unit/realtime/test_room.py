"""What a room remembers for those who join within a moment, and what it must not remember any more."""

import pytest

from nura_rt.protocol.server import HistoryTrimmed, MessageRemoved, ServerFrame
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item, Rings
from nura_rt.realtime.room import Room


def spoken(*seqs: int) -> Room:
    """A room in which so much was said."""
    room = Room(Rings())
    room.settle(0)
    for seq in seqs:
        room.take(seq, Payload(b"words %d" % seq))
    return room


def test_what_was_said_is_remembered() -> None:
    room = spoken(1, 2, 3)

    recent = room.recent(1)

    assert recent is not None
    assert [item.seq for item in recent] == [2, 3]


@pytest.mark.parametrize("frame", [MessageRemoved("c", 4, 2), HistoryTrimmed("c", 4, 3)])
def test_words_that_went_are_not_handed_out_again(frame: ServerFrame) -> None:
    """PostgreSQL is asked, which says a gap in their place; who had everything hears only what followed."""
    room = spoken(1, 2, 3)

    room.take(4, Payload.of(frame))
    room.take(5, Payload(b"words 5"))

    assert [room.recent(after) for after in (0, 1, 2)] == [None] * 3
    assert [item.seq for item in room.recent(3) or []] == [4, 5]
    assert room.recent(5) == []


def test_a_trim_moves_the_tail_and_an_older_one_does_not_move_it_back() -> None:
    room = spoken(1, 2, 3)

    room.take(4, Payload.of(HistoryTrimmed("c", 4, 3)))
    room.take(5, Payload.of(HistoryTrimmed("c", 5, 2)))

    assert room.tail == 3


def test_the_bytes_of_what_was_forgotten_do_not_count() -> None:
    room = spoken()
    large = b"w" * 100_000
    for seq in (1, 2):
        room.take(seq, Payload(large))
    room.take(3, Payload.of(MessageRemoved("c", 3, 1)))

    for seq in (4, 5):
        room.take(seq, Payload(large))

    assert [item.seq for item in room.recent(2) or []] == [3, 4, 5]


def read(*seqs: int, size: int = 10) -> list[Item]:
    """Entries as PostgreSQL has them."""
    return [Item(seq - 1, seq, Payload(b"r" * size)) for seq in seqs]


def test_what_was_read_up_to_the_head_is_remembered_and_what_follows_joins_it() -> None:
    room = Room(Rings())
    room.settle(100)

    room.remember(read(*range(1, 101)))
    room.take(101, Payload(b"words 101"))

    assert room.recent(36) is None
    assert [item.seq for item in room.recent(37) or []] == list(range(38, 102))


@pytest.mark.parametrize("end", [2, 4])
def test_what_was_read_at_another_head_is_not_remembered(end: int) -> None:
    """Behind the head, words may be in it that were taken away since; beyond it, it was not handed on yet."""
    room = spoken(1, 2, 3)
    room.take(4, Payload.of(MessageRemoved("c", 4, 1)))
    room.take(5, Payload(b"words 5"))

    room.remember(read(*range(1, end + 1)))

    assert room.recent(0) is None
    assert [item.seq for item in room.recent(3) or []] == [4, 5]


def test_what_was_read_is_bounded_by_bytes() -> None:
    room = Room(Rings())
    room.settle(10)

    room.remember(read(*range(1, 11), size=100_000))

    assert [item.seq for item in room.recent(8) or []] == [9, 10]
    assert room.recent(7) is None


def test_what_waits_behind_a_gap_is_bounded_and_the_rest_is_only_known_of() -> None:
    room = spoken(1)

    for seq in range(3, 2_000):
        room.take(seq, Payload(b"w" * (9_000 if seq % 2 else 100)))

    assert len(room._held) == 512
    assert all(len(item.payload.data) == 100 for item in room._held.values())
    assert (room.head, room.known, room.has_gap) == (1, 1_999, True)
