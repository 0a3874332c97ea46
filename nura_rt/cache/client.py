"""Connections to Redis. The bus has its own, so that a blocked command never delays a message."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_COMMANDS_AT_MOST = 10


def for_bus(url: str) -> Redis:
    """For pub/sub: no read timeout (idle is normal) and no silent retry (a lost connection must be heard of)."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_COMMANDS_AT_MOST,
        socket_timeout=None,
        socket_connect_timeout=2.0,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis(connection_pool=pool)
