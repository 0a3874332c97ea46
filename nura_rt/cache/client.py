"""Connections to Redis. The bus has its own, so that a blocked command never delays a message.

A command costs its caller at most COMMAND_AT_MOST_S, and it may run twice: send only what may.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MaxConnectionsError, MovedError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from nura_rt.cache.routes import ELSEWHERE, Routes
from nura_rt.cache.servers import Servers
from nura_rt.cache.slots import Node

_COMMANDS_AT_MOST = 10
_CONNECT_S = 2.0
_REPLY_S = 1.0
_FREE_CONNECTION_S = 1.0
_ASK_AFTER_IDLE_S = 30  # as soon as TCP keepalive starts to doubt; a busy connection never pays the PING

COMMAND_AT_MOST_S = _FREE_CONNECTION_S + 2 * _REPLY_S


def for_bus(url: str) -> Servers:
    """For pub/sub: connections that are one part's alone, wait for ever and never reconnect by themselves."""
    return Servers(url)


def for_commands(url: str) -> Redis:
    """For everything else: ten connections, a second for a reply, one retry on a new connection.

    Raises redis.exceptions alone: MaxConnectionsError (all ten busy for a second), ConnectionError,
    TimeoutError. rediss:// is verified (certificate and name). Options in the URL win over these.
    Not for commands that block (BLPOP) or must not run twice. `aclose()` closes the pool too.
    """
    return _open(url, retries=1)


def for_caches(url: str) -> Redis:
    """As `for_commands` without the retry: a miss is cheaper, and nothing runs late that ran already."""
    return _open(url, retries=0)


def _open(url: str, *, retries: int) -> Redis:
    told = _options(retries) | dict(parse_url(url))

    def at(node: Node) -> Redis:
        place = {"host": node.host, "port": node.port} if node.host else {}
        return _Commands.from_pool(_Pool(**told | place))

    redis = _Commands(connection_pool=_Pool(**told))
    redis.auto_close_connection_pool = True
    redis.routes = Routes(Servers(url), at)
    return redis


def _options(retries: int) -> dict[str, Any]:
    return {
        "max_connections": _COMMANDS_AT_MOST,
        "timeout": _FREE_CONNECTION_S,
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": _REPLY_S,
        "health_check_interval": _ASK_AFTER_IDLE_S,
        # since redis-py 6 this only adds to what `retry` retries; `retry` says how often
        "retry_on_timeout": retries > 0,
        "retry": Retry(NoBackoff(), retries),
        # "auto" would let the server stretch our timeouts, and lend connections with unread replies
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


class _Pool(BlockingConnectionPool):
    """Says which it was: no free connection, or no Redis. redis-py has one error for both."""

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        try:
            return await super().get_connection()  # type: ignore[no-untyped-call]  # redis-py's
        except RedisConnectionError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise MaxConnectionsError("every connection is in use") from None
            raise


class _Commands(Redis):
    """Redis with a bound on the whole call: waiting, connecting, the try and the retry add up to more.

    Giving up cancels the command; redis-py 8.1 then closes its connection, so no reply is left in it.
    """

    routes: Routes | None = None  # None: of one server alone

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        async with _at_most():
            if self.routes is None or not self.routes.known:
                try:
                    return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's
                except ELSEWHERE:
                    if self.routes is None:
                        raise
            return await self.routes.execute(args, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        pipe = _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.routes = self.routes
        return pipe

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self.routes is not None:
            await self.routes.aclose()
        await super().aclose(close_connection_pool)


class _Pipeline(Pipeline):
    """The same bound for all its commands together."""

    routes: Routes | None = None

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        async with _at_most():
            if self.routes is None:
                return await super().execute(raise_on_error)
            queued, transaction = list(self.command_stack), self.is_transaction
            replies = await self._somewhere(self.routes, queued, transaction)
        if raise_on_error:
            self.raise_first_error(queued, replies)
        return replies

    async def _somewhere(self, routes: Routes, queued: list[Any], transaction: bool) -> list[Any]:
        """Here; and what that refused because this is one server of a cluster, where it belongs."""
        replies: list[Any] = [MovedError("0 :0")] * len(queued)
        if not routes.known:
            with suppress(*ELSEWHERE):  # a transaction raises; then nothing of it has run
                replies = await super().execute(raise_on_error=False)
        left = [place for place, reply in enumerate(replies) if isinstance(reply, ELSEWHERE)]
        if left:
            await self.reset()  # type: ignore[no-untyped-call]
            found = await routes.execute_all([queued[place] for place in left], transaction=transaction)
            for place, reply in zip(left, found, strict=True):
                replies[place] = reply
        return replies


@asynccontextmanager
async def _at_most() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(COMMAND_AT_MOST_S):
            yield
    except TimeoutError:
        raise RedisTimeoutError("Redis took too long") from None
