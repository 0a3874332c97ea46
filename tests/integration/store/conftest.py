"""Two neighbours in a database of their own, for every test about whose rows are whose."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import scratch
from neighbours import Neighbours
from nura_rt.embedded.stack import Addresses
from person_rows import fill


@pytest.fixture(scope="module")
async def neighbours(stores: Addresses) -> AsyncIterator[Neighbours]:
    """Ann and Bob."""
    async with scratch(stores, migrated=True) as made:
        conn = await asyncpg.connect(made.admin_url)
        try:
            yield Neighbours(made, await fill(conn), await fill(conn))
        finally:
            await conn.close()


@pytest.fixture
async def eyes(neighbours: Neighbours) -> AsyncIterator[asyncpg.Connection]:
    """A superuser on their database."""
    conn = await asyncpg.connect(neighbours.database.admin_url)
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture
async def owners(eyes: asyncpg.Connection) -> dict[str, str]:
    """Table -> the column that names its person, from the catalogue."""
    rows = await eyes.fetch("SELECT table_name, owner_column FROM nura.person_tables")
    return {row["table_name"]: row["owner_column"] for row in rows}
