"""A migrated database of its own for these tests, so that no running instance takes their jobs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import pool


@pytest.fixture(scope="session")
async def database(stores: Addresses) -> AsyncIterator[Database]:
    """Bootstrapped and migrated; nobody else is connected to it."""
    async with scratch(stores, migrated=True) as made:
        yield made


@pytest.fixture
async def root(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's eyes and hands."""
    conn = await asyncpg.connect(database.admin_url)
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture
async def writer_conn(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the server's writer has it."""
    conn = await pool.connect(database.url, "nura_writer")
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture(scope="session")
async def work(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The pool of the job worker."""
    opened = await pool.open_pool(database.url, "nura_worker", smallest=1, largest=8)
    yield opened
    opened.terminate()
