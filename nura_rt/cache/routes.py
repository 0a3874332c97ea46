"""Commands on a Redis Cluster: each goes to the master of its key. What moved meanwhile is asked for again, once.

A command of several keys is split where it may be (DEL, UNLINK, EXISTS, TOUCH); a transaction holds within a slot.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AskError, ClusterCrossSlotError, ClusterDownError, MovedError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nura_rt.cache import slots
from nura_rt.cache.servers import UNREACHABLE, Servers
from nura_rt.cache.slots import Map, Node

ELSEWHERE = (AskError, ClusterCrossSlotError)  # MovedError is an AskError
_SPLIT = ("DEL", "UNLINK", "EXISTS", "TOUCH")
_SCRIPTS = ("EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO")
_EVERYWHERE = ("SCRIPT LOAD", "FLUSHDB")
_TRIES = 3
_AWAY = (RedisConnectionError, RedisTimeoutError)

Queued = tuple[tuple[Any, ...], dict[str, Any]]


class Routes:
    """Of one client. `open_at` makes a client of one master alone."""

    def __init__(self, servers: Servers, open_at: Callable[[Node], Redis]) -> None:
        self._servers = servers
        self._open_at = open_at
        self._map: Map | None = None
        self._stale = False
        self._clients: dict[Node, Redis] = {}

    @property
    def known(self) -> bool:
        """Whether this turned out to be a cluster."""
        return self._map is not None

    async def execute(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        """The reply to one command."""
        name = str(args[0]).upper()
        found = await self._current()
        if name in _EVERYWHERE:
            return (await asyncio.gather(*(self._one(node, args, options) for node in found.nodes)))[0]
        if name in _SPLIT and len(args) > 2:
            together: dict[int, list[Any]] = defaultdict(list)
            for key in args[1:]:
                together[slots.slot_of(_encoded(key))].append(key)
            return sum([await self._routed((name, *keys), options) for keys in together.values()])
        return await self._routed(args, options)

    async def execute_all(self, queued: list[Queued], *, transaction: bool) -> list[Any]:
        """The reply to each; an error is an item of the list. Raises when no server answered at all."""
        await self._current()
        groups: dict[Any, list[int]] = defaultdict(list)
        replies: list[Any] = [None] * len(queued)
        for place, (args, _) in enumerate(queued):
            key = _key(args)
            try:
                where = slots.slot_of(key) if transaction and key else self._node_of(key)
            except ClusterDownError as error:
                replies[place] = error
            else:
                groups[where].append(place)
        await asyncio.gather(
            *(
                self._group([queued[at] for at in group], group, replies, transaction)
                for group in groups.values()
            )
        )
        if replies and all(isinstance(reply, _AWAY) for reply in replies):
            raise replies[0]
        return replies

    async def aclose(self) -> None:
        """Closes what was opened."""
        for client in self._clients.values():
            await client.aclose()

    async def _group(
        self, queued: list[Queued], places: list[int], replies: list[Any], transaction: bool
    ) -> None:
        for last in (False, True):
            pipe = self._client(self._node_of(_key(queued[0][0]))).pipeline(transaction=transaction)
            for args, options in queued:
                pipe.execute_command(*args, **options)
            try:
                got = await pipe.execute(raise_on_error=False)
                break
            except MovedError:  # of a transaction: nothing has run
                if last:
                    raise
                await self._learn()
            except _AWAY as error:
                self._stale = True
                if transaction:
                    raise
                got = [error] * len(queued)  # one server less is no reason to lose the others' answers
                break
        for place, (args, options), reply in zip(places, queued, got, strict=True):
            replies[place] = reply
            if isinstance(reply, ELSEWHERE):
                try:
                    replies[place] = await self.execute(args, options)
                except UNREACHABLE as error:
                    replies[place] = error

    async def _routed(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                return await self._one(self._node_of(_key(args)), args, options)
            except MovedError:
                if not left:
                    raise
                await self._learn()
            except AskError as error:  # its slot is on the way
                pipe = self._client(Node(error.host, error.port)).pipeline(transaction=False)
                pipe.execute_command("ASKING")
                pipe.execute_command(*args, **options)
                return (await pipe.execute())[1]
        raise AssertionError("the last try returned or raised")

    async def _one(self, node: Node, args: Sequence[Any], options: dict[str, Any]) -> Any:
        try:
            return await self._client(node).execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's
        except (*_AWAY, ClusterDownError):
            self._stale = True
            raise

    async def _current(self) -> Map:
        if self._map is None:
            return await self._learn()
        if self._stale:
            try:
                return await self._learn()
            except UNREACHABLE:
                pass
        return self._map

    async def _learn(self) -> Map:
        self._map = await self._servers.look()
        self._stale = False
        gone = [self._clients.pop(node) for node in tuple(self._clients) if node not in self._map.nodes]
        for client in gone:
            await client.aclose()
        return self._map

    def _node_of(self, key: bytes | None) -> Node:
        assert self._map is not None
        node = self._map.node_of(key) if key is not None else next(iter(self._map.nodes), None)
        if node is None:
            raise ClusterDownError("nobody serves this slot")
        return node

    def _client(self, node: Node) -> Redis:
        if node not in self._clients:
            self._clients[node] = self._open_at(node)
        return self._clients[node]


def _key(args: Sequence[Any]) -> bytes | None:
    """The first key; None where there is none."""
    name = str(args[0]).upper()
    if name in _SCRIPTS:
        return _encoded(args[3]) if int(args[2]) else None
    return _encoded(args[1]) if len(args) > 1 and name not in _EVERYWHERE else None


def _encoded(key: Any) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()
