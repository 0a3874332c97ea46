"""What the screening of a conversation's next turn has to know, in one round trip; and its placeholders.

Reads run as the person: a stranger who names the conversation is told nothing.
"""

from typing import Any

import msgspec

from nura_rt.store.pool import Executor


class Said(msgspec.Struct, frozen=True):
    """What screening found in one message (or title) of the person, or in one reply: its crisis_indicators."""

    role: str
    client_id: str
    found: dict[str, Any]


class Talk(msgspec.Struct, frozen=True):
    """A conversation before its next turn, `said` the oldest first. `sealed`: its placeholders, if it has any."""

    head: int
    said: list[Said]
    names: list[str]
    sealed: str | None
    version: int


async def before(
    conn: Executor, person_id: str, conversation_id: str, *, limit: int, days: int
) -> Talk | None:
    """At most `limit` messages of the last `days`; None when the conversation is not this person's."""
    rows = await conn.fetch(
        "SELECT kind, key, found, words, number FROM nura.talk_before($1, $2, $3, $4)",
        person_id,
        conversation_id,
        limit,
        days,
    )
    by_kind: dict[str, list[Any]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    if "head" not in by_kind:
        return None
    said = [row for kind in ("user", "assistant", "system") for row in by_kind.get(kind, ())]
    sealed = by_kind.get("placeholders", [{"words": None, "number": 0}])[0]
    return Talk(
        head=by_kind["head"][0]["number"],
        said=[
            Said(row["kind"], row["key"], row["found"] or {})
            for row in sorted(said, key=lambda row: int(row["number"]))
        ],
        names=[row["words"] for row in by_kind.get("name", ())],
        sealed=sealed["words"],
        version=sealed["number"],
    )


async def keep_placeholders(
    conn: Executor, *, person_id: str, conversation_id: str, sealed: str, version: int
) -> bool:
    """False when another instance has kept `version` already. Runs as the door, for the person.

    Raises ForeignKeyViolationError when the conversation is not theirs.
    """
    kept = await conn.fetchval(
        """
        INSERT INTO nura.placeholders AS p (conversation_id, user_id, sealed, version) VALUES ($1, $2, $3, $4)
        ON CONFLICT (conversation_id) DO UPDATE SET sealed = excluded.sealed, version = excluded.version
              WHERE p.version = excluded.version - 1
          RETURNING p.version
        """,
        conversation_id,
        person_id,
        sealed,
        version,
    )
    return kept is not None
