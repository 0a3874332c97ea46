"""A Redis database of these tests' own, so that nobody else loses keys, and the network before it."""

from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from nura_rt.cache import client, responses, sessions
from nura_rt.embedded.stack import Addresses
from proxy import Proxy, redis_socket

DB = 9


@pytest.fixture(scope="session")
def redis_url(stores: Addresses) -> str:
    """Straight to the server, without a network."""
    assert stores.redis_url is not None
    return f"{stores.redis_url}?db={DB}"


@pytest.fixture
async def eyes(redis_url: str) -> AsyncIterator[Redis]:
    """Somebody else's connection; the database is empty when a test begins."""
    seeing = client.for_commands(redis_url)
    await seeing.flushdb()
    yield seeing
    await seeing.aclose()


@pytest.fixture
async def network(stores: Addresses) -> AsyncIterator[Proxy]:
    """What lies before the server for those who use `far_url`."""
    assert stores.redis_url is not None
    async with Proxy(redis_socket(stores.redis_url)) as proxy:
        yield proxy


@pytest.fixture
def far_url(network: Proxy) -> str:
    """The server through the network."""
    return f"redis://127.0.0.1:{network.port}/{DB}"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A busy machine is no frozen Redis: `patience(0.1)` only while it is frozen."""

    def wait(seconds: float) -> None:
        for name in ("LOOK_S", "KEEP_S", "TELL_S"):
            monkeypatch.setattr(responses, name, seconds)
        monkeypatch.setattr(sessions, "AT_MOST_S", seconds)

    wait(20.0)
    return wait


@pytest.fixture
async def patient(redis_url: str, eyes: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """A client of caches without limits of its own."""
    monkeypatch.setattr(client, "COMMAND_AT_MOST_S", 90.0)
    opened = client.for_caches(f"{redis_url}&socket_timeout=90&timeout=90")
    yield opened
    await opened.aclose()
