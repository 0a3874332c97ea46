"""Which master of a Redis Cluster serves which slot. A single server is a map of one that serves them all."""

from bisect import bisect_right
from typing import Any, NamedTuple

import msgspec
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot


class Node(NamedTuple):
    """Where a server listens; without a host it is the one the URL names."""

    host: str = ""
    port: int = 0


class Range(NamedTuple):
    """Slots `first` to `last` are served by `node`."""

    first: int
    last: int
    node: Node


class Map(msgspec.Struct, frozen=True):
    """Ranges in order; slots may be missing while nobody serves them."""

    sharded: bool
    ranges: tuple[Range, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every master once."""
        return tuple(dict.fromkeys(one.node for one in self.ranges))

    def node_of(self, name: bytes) -> Node | None:
        """Who serves this key or channel; None while nobody does."""
        if not self.sharded:
            return self.ranges[0].node
        slot = slot_of(name)
        place = bisect_right(self.ranges, slot, key=lambda one: one.first) - 1
        return self.ranges[place].node if place >= 0 and slot <= self.ranges[place].last else None


SINGLE = Map(sharded=False, ranges=(Range(0, REDIS_CLUSTER_HASH_SLOTS - 1, Node()),))


def slot_of(name: bytes) -> int:
    """The slot of a key or channel: of what its first braces hold, else of the whole."""
    return int(key_slot(name))


def read(reply: list[Any], *, asked: str) -> Map:
    """Of the reply to CLUSTER SLOTS. A master without an address is at the host that was `asked`."""
    ranges = [
        Range(int(first), int(last), Node(_host(master[0]) or asked, int(master[1])))
        for first, last, master, *_ in reply
    ]
    return Map(sharded=True, ranges=tuple(sorted(ranges)))


def _host(given: bytes | None) -> str:
    host = (given or b"").decode()
    return "" if host == "?" else host
