"""Table `conversations`: the lasting threads. Reads run as the person, heads as the writer."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class Conversation(msgspec.Struct, frozen=True):
    """One thread as its owner sees it; `last_seq` is its head, `read_seq` how far it was read."""

    id: str
    title: str | None
    description: str | None
    session_type: str
    status: str
    crisis_level: str
    last_seq: int
    read_seq: int
    message_count: int
    total_duration_minutes: float
    created_at: datetime
    updated_at: datetime
    last_message_at: datetime | None


class Created(msgspec.Struct, frozen=True):
    """The answer to a create: the id it has now, and whether an earlier create made it."""

    id: str
    created_at: datetime
    duplicate: bool


async def list_of(
    conn: Executor,
    person_id: str,
    *,
    limit: int,
    status: str | None = None,
    changed_since: datetime | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Conversation]:
    """The person's conversations, latest activity first; `before` is the (updated_at, id) of a page's last."""
    rows = await conn.fetch(
        """
        SELECT id, title, description, session_type, status, crisis_level, last_seq, read_seq, message_count,
               total_duration_minutes, created_at, updated_at, last_message_at
          FROM nura.conversations_of($1, $2, $3, $4, $5, $6)
        """,
        person_id,
        status,
        changed_since,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [Conversation(**row) for row in rows]


async def seen_by(conn: Executor, person_id: str, conversation_id: str) -> Conversation | None:
    """The conversation if it is the person's; None for a missing and for another's alike."""
    row = await conn.fetchrow(
        """
        SELECT id, title, description, session_type, status, crisis_level, last_seq, read_seq, message_count,
               total_duration_minutes, created_at, updated_at, last_message_at
          FROM nura.conversation_seen_by($1, $2)
        """,
        person_id,
        conversation_id,
    )
    return Conversation(**row) if row else None


async def create(
    conn: Executor, *, person_id: str, client_id: str, title: str | None, crisis_level: str
) -> Created:
    """Makes the conversation once per client_id. Runs as the door, inside `as_person`."""
    row = await conn.fetchrow(
        """
        INSERT INTO conversations (user_id, client_id, title, crisis_level, safety_plan_triggered)
             VALUES ($1, $2, $3, $4::varchar, $4::varchar IN ('high', 'critical'))
        ON CONFLICT (user_id, client_id) DO NOTHING
          RETURNING id, created_at, false AS duplicate
        """,
        person_id,
        client_id,
        title,
        crisis_level,
    )
    if row is None:  # an earlier create has committed: a new statement sees it
        row = await conn.fetchrow(
            """
            SELECT id, created_at, true AS duplicate
              FROM conversations WHERE user_id = $1 AND client_id = $2
            """,
            person_id,
            client_id,
        )
    assert row is not None
    return Created(**row)


async def heads(conn: Executor, conversation_ids: Sequence[str]) -> dict[str, int]:
    """The highest seq of each conversation that exists. Runs as the writer."""
    rows = await conn.fetch(
        "SELECT id, last_seq FROM conversations WHERE id = any($1::text[])", conversation_ids
    )
    return {row["id"]: row["last_seq"] for row in rows}
