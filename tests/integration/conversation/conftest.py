"""A running writer and rows for it to keep; the pools of an instance, and what it says to the others."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation.create import Written
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.writer import Writer
from nura_rt.store import pool
from nura_rt.store.batch import Row
from relayed import Relayed
from rows import make_conversation, make_person, turn
from writers import made, running


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    async with running(made(database)) as ours:
        yield ours


@pytest.fixture
async def place(root: asyncpg.Connection) -> Callable[..., Row]:
    """Makes rows for one conversation of one person."""
    person = await make_person(root)
    conversation = await make_conversation(root, person)

    def row(**fields: Any) -> Row:
        return turn(person, conversation, **fields)

    return row


@pytest.fixture(scope="session")
async def door(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture(scope="session")
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture(scope="session")
async def heads(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The writer's role, beside the writer itself."""
    opened = await pool.open_pool(database.url, "nura_writer", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture
async def admin_conn(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A second superuser, who holds what others wait for."""
    conn = await asyncpg.connect(database.admin_url)
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture
def relayed() -> Relayed:
    return Relayed()


@pytest.fixture
def removal(door: asyncpg.Pool, people: asyncpg.Pool, relayed: Relayed) -> Removal:
    return Removal(Written(door, people, relayed.hub))
