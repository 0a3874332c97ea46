"""Who serves which slot, as CLUSTER SLOTS tells it."""

import pytest

from nura_rt.cache import slots
from nura_rt.cache.slots import SINGLE, Map, Node, Range

A, B = Node("10.0.0.1", 7000), Node("b.example", 7001)
REPLY = [
    [5461, 16383, [b"b.example", 7001, b"id-b", []], [b"10.0.0.9", 7009, b"replica", []]],
    [0, 100, [b"10.0.0.1", 7000, b"id-a", []]],
    [102, 5460, [b"10.0.0.1", 7000, b"id-a", []]],
]


def test_masters_are_read_in_the_order_of_their_slots() -> None:
    found = slots.read(REPLY, asked="asked")

    assert found == Map(sharded=True, ranges=(Range(0, 100, A), Range(102, 5460, A), Range(5461, 16383, B)))
    assert found.nodes == (A, B)


@pytest.mark.parametrize("unnamed", [b"", None, b"?"])
def test_a_master_without_an_address_is_where_it_was_asked(unnamed: bytes | None) -> None:
    found = slots.read([[0, 16383, [unnamed, 7000, b"id", []]]], asked="redis.example")

    assert found.nodes == (Node("redis.example", 7000),)


@pytest.mark.parametrize(
    ("name", "slot", "node"),
    [
        (b"foo", 12182, B),
        (b"nura:{foo}", 12182, B),
        (b"nura:{foo}:{bar}", 12182, B),
        (b"bar", 5061, A),
        (b"{}bar", 6479, B),
    ],
)
def test_a_name_belongs_to_the_master_of_its_slot(name: bytes, slot: int, node: Node) -> None:
    found = slots.read(REPLY, asked="asked")

    assert slots.slot_of(name) == slot
    assert found.node_of(name) == node


def test_a_slot_nobody_serves_has_no_master() -> None:
    name = next(name for name in (b"%d" % number for number in range(10**6)) if slots.slot_of(name) == 101)

    assert slots.read(REPLY, asked="asked").node_of(name) is None
    assert Map(sharded=True, ranges=()).node_of(name) is None


def test_a_single_server_serves_all() -> None:
    assert {SINGLE.node_of(b"%d" % number) for number in range(1000)} == {Node()}
