"""What channels remember: the newest, so many, so large, and all of them together within one bound."""

import pytest

from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item, Ring, Rings


def said(seq: int, size: int = 100) -> Item:
    return Item(seq - 1, seq, Payload(b"w" * size))


def filled(rings: Rings, *seqs: int, size: int = 100) -> Ring:
    ring = Ring(rings)
    for seq in seqs:
        ring.add(said(seq, size))
    return ring


@pytest.mark.parametrize(("size", "oldest"), [(100, 37), (8_000, 69), (300_000, None)])
def test_the_newest_64_are_remembered_if_they_are_not_too_large(size: int, oldest: int | None) -> None:
    ring = filled(Rings(), *range(1, 101), size=size)

    remembered = [seq for seq in range(1, 101) if ring.after(seq - 1) is not None]

    assert remembered == (list(range(oldest, 101)) if oldest else [])


def test_beyond_what_all_may_hold_the_one_that_grew_last_is_emptied_last() -> None:
    rings = Rings(at_most=7_000)
    first, second = filled(rings, 1, size=1_000), filled(rings, 1, size=1_000)
    first.add(said(2, size=1_000))

    third = filled(rings, 1, size=1_000)

    assert [ring.after(0) is not None for ring in (first, second, third)] == [True, False, True]
    assert rings.size <= 7_000


def test_what_a_ring_lets_go_of_does_not_count() -> None:
    rings = Rings(at_most=10**9)

    rings_filled = [filled(rings, *range(1, 200), size=5_000) for _ in range(10)]
    for ring in rings_filled:
        ring.refill([said(7)])
        ring.clear()

    assert rings.size == 0
    assert not rings._filled


def test_one_larger_than_all_may_be_is_not_kept() -> None:
    rings = Rings(at_most=1_000)

    ring = filled(rings, 1, size=2_000)

    assert ring.after(0) is None
    assert rings.size == 0
