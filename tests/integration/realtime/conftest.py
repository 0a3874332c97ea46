"""A Redis database of these tests' own, and clients that a busy machine does not lead to give up."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from nura_rt.cache import client, script
from nura_rt.embedded.stack import Addresses

DB = 10


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(script, "WITHIN_S", 60.0)
    monkeypatch.setattr(client, "COMMAND_AT_MOST_S", 90.0)


@pytest.fixture
async def redis(stores: Addresses) -> AsyncIterator[Redis]:
    """A client without limits of its own; the database is empty."""
    opened = client.for_caches(f"{stores.redis_url}?db={DB}&socket_timeout=90&timeout=90")
    await opened.flushdb()
    yield opened
    await opened.aclose()
