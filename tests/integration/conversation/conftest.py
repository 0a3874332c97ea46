"""A running writer, and rows for it to keep."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation.writer import Writer
from nura_rt.store.batch import Row
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
