"""A Redis database of these tests' own, so that nobody else loses keys, and the network before it."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from nura_rt.cache import client, responses
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
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no frozen Redis; tests of the frozen one are impatient again."""
    for name in ("LOOK_S", "KEEP_S", "TELL_S"):
        monkeypatch.setattr(responses, name, 20.0)


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch, patience: None) -> None:
    """As in service, or shorter."""
    for name in ("LOOK_S", "KEEP_S", "TELL_S"):
        monkeypatch.setattr(responses, name, 0.1)
