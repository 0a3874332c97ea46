"""Two databases: one people are moved out of, one they are moved to."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses


@pytest.fixture
async def target(stores: Addresses) -> AsyncIterator[Database]:
    """Where people are moved to; the legacy table stands beside it in a database of its own."""
    async with scratch(stores, migrated=True) as made:
        yield made


@pytest.fixture
async def old(stores: Addresses) -> AsyncIterator[Database]:
    """The database of the earlier backend."""
    async with scratch(stores, migrated=False) as made:
        yield made


@pytest.fixture
async def hands(old: Database) -> AsyncIterator[asyncpg.Connection]:
    """Whoever writes to the legacy table."""
    conn = await asyncpg.connect(old.admin_url)
    yield conn
    await conn.close()


@pytest.fixture
async def eyes(target: Database) -> AsyncIterator[asyncpg.Connection]:
    """Sees and changes everything in the target."""
    conn = await asyncpg.connect(target.admin_url)
    yield conn
    await conn.close()
