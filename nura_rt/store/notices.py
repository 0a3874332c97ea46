"""Table `nura.notices`: frames outside a conversation that must not be missed, kept until they are acknowledged.

Those of messages are written by `store.batch`, in the statement that keeps the words that caused them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from nura_rt.store.pool import Executor


class Notice(msgspec.Struct, frozen=True):
    """One that waits: what kind it is, and the frame as it is sent, with its type."""

    kind: str
    frame: dict[str, Any]


class Waiting(msgspec.Struct, frozen=True):
    """One that waits for `user_id`."""

    user_id: str
    kind: str
    frame: dict[str, Any]


async def insert(conn: Executor, *, person_id: str, kind: str, key: str, frame: dict[str, Any]) -> bool:
    """Keeps one that never expires; false, and nothing is changed, when there is one with this key already.

    Runs as the door, inside `as_person`, or as the sign-in or the import; in the transaction of its cause.
    """
    status: str = await conn.execute(
        """
        INSERT INTO nura.notices (user_id, kind, key, frame, expires_at) VALUES ($1, $2, $3, $4, 'infinity')
        ON CONFLICT DO NOTHING
        """,
        person_id,
        kind,
        key,
        frame,
    )
    return status == "INSERT 0 1"


async def pending(conn: Executor, person_id: str, *, limit: int) -> list[Notice]:
    """The newest that were neither acknowledged nor expired, the oldest of them first.

    One round trip, under row level security. Runs as the person.
    """
    rows = await conn.fetch("SELECT kind, frame FROM nura.notices_of($1, $2)", person_id, limit)
    return [Notice(**row) for row in rows]


async def pending_of_many(conn: Executor, person_ids: Sequence[str], *, limit: int) -> list[Waiting]:
    """The same for many people, at most `limit` of each; those of one person follow each other.

    One round trip, under row level security. Runs as the person, one after another.
    """
    rows = await conn.fetch(
        "SELECT user_id, kind, frame FROM nura.notices_of_many($1, $2)", person_ids, limit
    )
    return [Waiting(**row) for row in rows]


async def known(conn: Executor, *, person_id: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that were ever kept, acknowledged or not. Runs as the door, inside `as_person`."""
    rows = await conn.fetch(
        "SELECT key FROM nura.notices WHERE user_id = $1 AND key = any($2::text[])", person_id, keys
    )
    return {row["key"] for row in rows}


async def acknowledge(conn: Executor, *, person_id: str, key: str) -> bool:
    """Whether this was the first time. Runs as the door, inside `as_person`."""
    found = await conn.fetchval(
        """
        UPDATE nura.notices SET acknowledged_at = now()
         WHERE user_id = $1 AND key = $2 AND acknowledged_at IS NULL
     RETURNING true
        """,
        person_id,
        key,
    )
    return found is True
