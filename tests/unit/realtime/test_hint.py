"""Hints as bytes: each reading undoes its writing, and instances of two versions understand each other."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nura_rt.realtime import hint
from nura_rt.realtime.hint import Hint
from nura_rt.realtime.payload import Tier

seqs = st.one_of(st.none(), st.integers(1, 2**62))
prevs = st.one_of(st.none(), st.integers(0, 2**62))


def read_by_the_older(data: bytes) -> tuple[bytes, int, int, bytes]:
    """What version 0.1.0 made of it; ValueError where it counted it as unreadable."""
    head, _, body = data.partition(b"\n")
    origin, seq, tier = head.split(b" ")
    return origin, int(seq), int(tier), body


@given(seqs, prevs, st.sampled_from(Tier), st.binary(max_size=50))
def test_reading_undoes_writing(seq: int | None, prev: int | None, tier: Tier, body: bytes) -> None:
    assume(seq is None or prev is None or prev < seq)

    found = hint.decode(hint.encode(b"me", seq, prev, tier, body))

    assert found is not None
    assert (found.origin, found.seq) == (b"me", seq)
    assert found.prev == prev or (found.prev is None and prev == (seq or 0) - 1)
    assert (found.payload.data, found.payload.tier) == (body, tier) if found.payload else body == b""


@pytest.mark.parametrize(("seq", "prev"), [(7, None), (7, 6), (None, None), (1, 0)])
def test_an_older_instance_reads_what_covers_one_seq(seq: int | None, prev: int | None) -> None:
    data = hint.encode(b"me", seq, prev, Tier.SUPPORT, b'{"a": 1}')

    assert read_by_the_older(data) == (b"me", seq or 0, 2, b'{"a": 1}')


def test_an_older_instance_leaves_what_covers_several_to_its_gap_logic() -> None:
    with pytest.raises(ValueError, match="too many values"):
        read_by_the_older(hint.encode(b"me", 7, 3, Tier.DURABLE, b"{}"))


def test_what_an_older_instance_says_is_read() -> None:
    found = hint.decode(b"old 12 1\n{}")

    assert found is not None
    assert (found.origin, found.seq, found.prev) == (b"old", 12, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n{}",
        b"me\n{}",
        b"me 1\n{}",
        b"me 1 1 0 0\n{}",
        b"me x 1\n{}",
        b"me 1 9\n{}",
        b"me 1 1 x\n{}",
        b"me 5 1 5\n{}",
    ],
)
def test_what_is_no_hint_is_none(data: bytes) -> None:
    assert hint.decode(data) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_a_hint_or_none(data: bytes) -> None:
    found = hint.decode(data)

    assert found is None or isinstance(found, Hint)
