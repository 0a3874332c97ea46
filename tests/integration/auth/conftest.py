"""Instances of the sign-in part on a migrated database and a Redis database of their own."""

import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from redis.asyncio import Redis

from databases import Database
from identities import MakeSessions
from nura_rt.auth.sessions import Sessions
from nura_rt.cache import client
from nura_rt.cache import sessions as copies_module
from nura_rt.cache.sessions import SessionCopies
from nura_rt.embedded.stack import Addresses
from nura_rt.store import pool

DB = 8


@pytest.fixture(scope="session")
async def auth(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The pool of sign-in."""
    opened = await pool.open_pool(database.url, "nura_auth", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture(scope="session")
async def door(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The pool of the doors."""
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture(scope="session")
def redis_url(stores: Addresses) -> str:
    assert stores.redis_url is not None
    return f"{stores.redis_url}?db={DB}"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Empty when a test begins."""
    opened = client.for_caches(redis_url)
    await opened.flushdb()
    yield opened
    await opened.aclose()


@pytest.fixture
def make_sessions(auth: asyncpg.Pool, door: asyncpg.Pool) -> MakeSessions:
    """One instance's sessions; with `redis` it shares copies. It has heard what ended so far."""

    async def make(
        redis: Redis | None = None,
        *,
        pool: asyncpg.Pool = auth,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Sessions:
        copies = SessionCopies(redis, monotonic=monotonic)
        sessions = Sessions(pool, door=door, copies=copies, lifetime_s=3600, monotonic=monotonic)
        await sessions.ask()
        return sessions

    return make


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no frozen Redis."""
    monkeypatch.setattr(copies_module, "AT_MOST_S", 20.0)
