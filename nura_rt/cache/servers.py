"""Connections of one's own to a Redis, or to each master of its cluster. None of them reconnects by itself:
redis-py's pub/sub does so without a word, and what was said meanwhile is lost."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from nura_rt.cache import slots
from nura_rt.cache.slots import Map, Node

UNREACHABLE = (RedisError, OSError)  # TimeoutError is an OSError
_WITHIN_S = 2.0
_POOLS_ALONE = ("max_connections", "timeout")

Command = tuple[str | bytes, ...]


class Link:
    """One connection. Every method raises what is in UNREACHABLE; after that only `close` makes sense."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed since."""
        return bool(self._connection.is_connected)

    async def open(self) -> None:
        """Connects, by TLS and with name and password where the URL says so."""
        with _nonsense_raises():
            await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py, as below

    async def send(self, commands: Sequence[Command]) -> None:
        """Writes all of them at once."""
        if not self.is_open:
            raise RedisConnectionError("the connection was closed")
        await self._connection.send_packed_command(self._connection.pack_commands(commands))

    async def read(self) -> Any:
        """The next reply or message, however long it takes; an error reply is raised."""
        with _nonsense_raises():
            return await self._connection.read_response(timeout=math.inf, disconnect_on_error=False)

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Sends, and the reply to each; an error reply is an item of the list."""
        await self.send(commands)
        replies: list[Any] = []
        for _ in commands:
            try:
                replies.append(await self.read())
            except ResponseError as refusal:
                replies.append(refusal)
        return replies

    async def close(self) -> None:
        """Ends it, now."""
        await self._connection.disconnect(nowait=True)


class Servers:
    """What the URL names. Its options count, save those that would make a connection act by itself."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        self._class: type[Connection] = options.pop("connection_class", Connection)
        self._options = {"socket_connect_timeout": _WITHIN_S} | options
        for name in _POOLS_ALONE:
            self._options.pop(name, None)
        self._options |= {
            "db": 0,  # pub/sub knows none
            "protocol": 2,
            "socket_timeout": None,
            "health_check_interval": 0,
            "retry_on_timeout": False,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": False,
            "driver_info": None,
        }
        self._seen: tuple[Node, ...] = ()

    def link(self, node: Node) -> Link:
        """A connection to this server, not opened yet."""
        place = {"host": node.host, "port": node.port} if node.host else {}
        return Link(self._class(**self._options | place))

    async def look(self) -> Map:
        """Who serves what, now. Raises what is in UNREACHABLE when nobody of whom it knows answers."""
        for last, node in enumerate((*self._seen, Node()), start=-len(self._seen)):
            try:
                found = await self._asked(node)
            except UNREACHABLE:
                if last == 0:
                    raise
            else:
                self._seen = found.nodes if found.sharded else ()
                return found
        raise AssertionError("the last one has answered or raised")

    async def answers(self, node: Node) -> bool:
        """Whether a fresh connection gets its PONG within two seconds."""
        link = self.link(node)
        try:
            async with asyncio.timeout(_WITHIN_S):
                await link.open()
                return await link.ask([("PING",)]) == [b"PONG"]
        except UNREACHABLE:
            return False
        finally:
            await link.close()

    async def _asked(self, node: Node) -> Map:
        link = self.link(node)
        try:
            async with asyncio.timeout(_WITHIN_S):
                await link.open()
                (reply,) = await link.ask([("CLUSTER", "SLOTS")])
        finally:
            await link.close()
        if isinstance(reply, ResponseError):  # no cluster, or one that shows itself as a single server
            if str(reply).startswith("BUSY"):  # a script takes too long there: that says nothing
                raise reply
            return slots.SINGLE
        with _nonsense_raises():
            return slots.read(reply, asked=node.host or str(self._options.get("host", "localhost")))


@contextmanager
def _nonsense_raises() -> Iterator[None]:
    """redis-py's parser, and ours, fail in their own ways when it is no Redis that speaks."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InvalidResponse(f"this is no Redis ({type(error).__name__})") from error
