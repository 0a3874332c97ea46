"""Table `conversations`: the lasting threads. Reads run as the person, heads as the writer."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from nura_rt.store.pool import Executor

_RACES_AT_MOST = 5


class Conversation(msgspec.Struct, frozen=True):
    """One thread as its owner sees it: `last_seq` is its head, `read_seq` how far it was read, and what is below
    `tail_seq` was trimmed away."""

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
    tail_seq: int


class Created(msgspec.Struct, frozen=True):
    """The answer to a create: the id it has now, and whether an earlier create made it."""

    id: str
    created_at: datetime
    duplicate: bool


class Listed(msgspec.Struct, frozen=True):
    """A page of the list. Asked later with `changed_since=as_of`, it tells whatever this page may lack."""

    as_of: datetime
    conversations: list[Conversation]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes of a conversation; UNSET stays as it is."""

    title: str | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET


async def list_of(
    conn: Executor,
    person_id: str,
    *,
    limit: int,
    status: str | None = None,
    changed_since: datetime | None = None,
    before: tuple[datetime, str] | None = None,
) -> Listed:
    """The person's conversations, latest activity first; `before` is the (updated_at, id) of a page's last.

    `as_of` lies a minute back: `updated_at` is when a transaction began, and none may last longer (pool.py).
    """
    rows = await conn.fetch(
        """
        SELECT now() - interval '1 minute' AS as_of, id, title, description, session_type, status, crisis_level,
               last_seq, read_seq, message_count, total_duration_minutes, created_at, updated_at, last_message_at,
               tail_seq
          FROM (SELECT) AS always_a_row
          LEFT JOIN nura.conversations_of($1, $2, $3, $4, $5, $6) ON true
        """,
        person_id,
        status,
        changed_since,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    found = [msgspec.convert(dict(row), Conversation) for row in rows if row["id"] is not None]
    return Listed(rows[0]["as_of"], found)


async def removed_since(conn: Executor, person_id: str, since: datetime) -> list[str]:
    """The person's conversations that were deleted then or later, the oldest loss first. Runs as the person."""
    rows = await conn.fetch(
        "SELECT conversation_id FROM nura.conversations_removed_since($1, $2) AS conversation_id",
        person_id,
        since,
    )
    return [row["conversation_id"] for row in rows]


async def seen_by(conn: Executor, person_id: str, conversation_id: str) -> Conversation | None:
    """The conversation if it is the person's; None for a missing and for another's alike."""
    row = await conn.fetchrow(
        """
        SELECT id, title, description, session_type, status, crisis_level, last_seq, read_seq, message_count,
               total_duration_minutes, created_at, updated_at, last_message_at, tail_seq
          FROM nura.conversation_seen_by($1, $2)
        """,
        person_id,
        conversation_id,
    )
    return Conversation(**row) if row else None


async def seen_by_each(conn: Executor, whose: Sequence[tuple[str, str]]) -> list[Conversation]:
    """The same for many (person, conversation), each with that person's eyes; what is not theirs drops out."""
    rows = await conn.fetch(
        """
        SELECT id, title, description, session_type, status, crisis_level, last_seq, read_seq, message_count,
               total_duration_minutes, created_at, updated_at, last_message_at, tail_seq
          FROM nura.conversations_seen_by($1, $2)
        """,
        [person_id for person_id, _ in whose],
        [conversation_id for _, conversation_id in whose],
    )
    return [Conversation(**row) for row in rows]


async def create(
    conn: Executor,
    *,
    person_id: str,
    client_id: str,
    title: str | None,
    crisis_level: str,
    description: str | None = None,
    session_type: str = "chat",
) -> Created:
    """Makes the conversation once per client_id. Runs as the door, inside `as_person`.

    Raises SerializationError when it is made and deleted elsewhere all the while.
    """
    for _ in range(_RACES_AT_MOST):
        made = await _insert(
            conn, person_id, client_id, title, crisis_level, description, session_type
        ) or await _made_before(conn, person_id, client_id)
        if made is not None:
            return made
    raise asyncpg.SerializationError


async def _insert(
    conn: Executor,
    person_id: str,
    client_id: str,
    title: str | None,
    crisis_level: str,
    description: str | None,
    session_type: str,
) -> Created | None:
    """None when the client_id is taken. Runs as the door."""
    row = await conn.fetchrow(
        """
        INSERT INTO conversations (user_id, client_id, title, crisis_level, safety_plan_triggered, description,
                                   session_type)
             VALUES ($1, $2, $3, $4::varchar, $4::varchar IN ('high', 'critical'), $5, $6)
        ON CONFLICT (user_id, client_id) DO NOTHING
          RETURNING id, created_at, false AS duplicate
        """,
        person_id,
        client_id,
        title,
        crisis_level,
        description,
        session_type,
    )
    return Created(**row) if row else None


async def _made_before(conn: Executor, person_id: str, client_id: str) -> Created | None:
    """What an earlier create made: it has committed, and a new statement sees it. Runs as the door."""
    row = await conn.fetchrow(
        """
        SELECT id, created_at, true AS duplicate
          FROM conversations WHERE user_id = $1 AND client_id = $2
        """,
        person_id,
        client_id,
    )
    return Created(**row) if row else None


async def change(
    conn: Executor,
    *,
    person_id: str,
    conversation_id: str,
    words: Words,
    level: str,
    unchanged_since: datetime | None,
) -> bool:
    """Writes what is set; the crisis level rises to `level` and never falls. Runs as the door, inside `as_person`.

    False, and nothing is written: no such conversation of the person's, one that changed after `unchanged_since`,
    or an ended one that would begin again.
    """
    given = [getattr(words, name) for name in ("title", "description", "status")]
    flags = [value is not msgspec.UNSET for value in given]
    values = [None if value is msgspec.UNSET else value for value in given]
    row = await conn.fetchrow(
        """
        UPDATE conversations
           SET title = CASE WHEN $3 THEN $4 ELSE title END,
               description = CASE WHEN $5 THEN $6 ELSE description END,
               status = coalesce($7, status),
               crisis_level = $9::varchar, -- a trigger keeps the higher one
               safety_plan_triggered = safety_plan_triggered OR $9::varchar IN ('high', 'critical')
         WHERE user_id = $1 AND id = $2 AND ($8::timestamptz IS NULL OR updated_at = $8)
           AND (coalesce(status, 'active') <> 'ended' OR coalesce($7, 'ended') = 'ended')
     RETURNING id
        """,
        person_id,
        conversation_id,
        flags[0],
        values[0],
        flags[1],
        values[1],
        values[2],
        unchanged_since,
        level,
    )
    return row is not None


async def remove(conn: Executor, *, person_id: str, conversation_id: str) -> bool:
    """Deletes the conversation and all that was said in it, and notes that it went; false when it is not there.

    Runs as the door, inside `as_person`.
    """
    found = await conn.fetchval(
        """
        WITH gone AS (DELETE FROM conversations WHERE user_id = $1 AND id = $2 RETURNING id, user_id)
        INSERT INTO nura.removed_conversations (conversation_id, user_id) SELECT id, user_id FROM gone
        RETURNING conversation_id
        """,
        person_id,
        conversation_id,
    )
    return found is not None


async def heads(conn: Executor, conversation_ids: Sequence[str]) -> dict[str, int]:
    """The highest seq of each conversation that exists. Runs as the writer."""
    rows = await conn.fetch(
        "SELECT id, last_seq FROM conversations WHERE id = any($1::text[])", conversation_ids
    )
    return {row["id"]: row["last_seq"] for row in rows}
