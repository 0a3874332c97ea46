"""Entries kept for those who come back together: as long as somebody comes, and never too many."""

import asyncio

import pytest

from nura_rt.conversation import pasts
from nura_rt.conversation.pasts import Past, Pasts
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.ring import Item
from servers import eventually


def past(end: int, *, size: int = 10) -> Past:
    return Past(0, end, [Item(0, end, Payload(b"x" * size))])


async def test_it_serves_whoever_lacks_nothing_beyond_its_end() -> None:
    kept, five = Pasts(), past(5)

    kept.keep("a", five)

    assert kept.get("a", 5) is five
    assert kept.get("a", 6) is None
    assert kept.get("b", 0) is None


async def test_it_stays_while_somebody_comes_for_it_and_goes_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pasts, "_KEPT_S", 2.0)
    kept = Pasts()
    kept.keep("wanted", past(5))
    kept.keep("unwanted", past(5))

    while len(kept) == 2:
        assert kept.get("wanted", 5) is not None
        await asyncio.sleep(0.01)

    assert kept.get("wanted", 5) is not None
    await eventually(lambda: not len(kept))


async def test_the_one_not_asked_for_longest_goes_when_all_are_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pasts, "_KEPT_BYTES", 17_000)
    kept = Pasts()
    kept.keep("first", past(5, size=3_000))
    kept.keep("second", past(5, size=3_000))
    kept.get("first", 5)

    kept.keep("third", past(5, size=3_000))

    assert [kept.get(name, 5) is not None for name in ("first", "second", "third")] == [True, False, True]


async def test_a_newer_one_takes_the_older_ones_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pasts, "_KEPT_BYTES", 17_000)
    kept = Pasts()

    for end in range(1, 20):
        kept.keep("a", past(end, size=3_000))
        kept.keep("b", past(end, size=3_000))

    assert kept.get("a", 19) is not None
    assert kept.get("b", 19) is not None
