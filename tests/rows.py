"""People, conversations and rows to keep, made for tests by a superuser's hand."""

import uuid
from typing import Any

import asyncpg

from nura_rt.store.batch import Row


async def make_person(conn: asyncpg.Connection) -> str:
    """A new person; returns the id."""
    person_id = str(uuid.uuid4())
    await conn.execute(
        "INSERT INTO users (id, email) VALUES ($1, $2)", person_id, f"{person_id}@example.invalid"
    )
    return person_id


async def make_conversation(conn: asyncpg.Connection, person_id: str) -> str:
    """A new conversation of this person; returns the id."""
    made = await conn.fetchval("INSERT INTO conversations (user_id) VALUES ($1) RETURNING id", person_id)
    return str(made)


def turn(person_id: str, conversation_id: str, **fields: Any) -> Row:
    """One typed message, ready to keep; give the fields that matter."""
    given = {
        "message_id": str(uuid.uuid4()),
        "client_id": uuid.uuid4().hex,
        "role": "user",
        "content": "words",
        "processed": "words",
        **fields,
    }
    return Row(person_id=person_id, conversation_id=conversation_id, **given)


async def one(conn: asyncpg.Connection, query: str, *arguments: object) -> tuple[Any, ...]:
    """The one row that must be there."""
    rows = await conn.fetch(query, *arguments)
    assert len(rows) == 1
    return tuple(rows[0])
