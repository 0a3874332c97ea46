"""What PostgreSQL holds at the end of a run, seen by a superuser: the only truth a view is compared with."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from history import Row

_TABLES = {
    "message": "SELECT to_jsonb(m) FROM messages m WHERE conversation_id = any($1::text[])",
    "tombstone": "SELECT to_jsonb(t) FROM nura.tombstones t WHERE conversation_id = any($1::text[])",
    "trim": "SELECT to_jsonb(t) FROM nura.trims t WHERE conversation_id = any($1::text[])",
    "head": "SELECT to_jsonb(c) FROM conversations c WHERE id = any($1::text[])",
    "notice": "SELECT to_jsonb(n) FROM nura.notices n WHERE user_id = any($1::text[])",
}


async def read(admin: asyncpg.Connection, conversations: list[str], people: list[str]) -> list[Row]:
    """Every line of these conversations and people, as one moment saw them."""
    found: list[Row] = []
    async with admin.transaction(isolation="repeatable_read", readonly=True):
        for kind, query in _TABLES.items():
            for record in await admin.fetch(query, people if kind == "notice" else conversations):
                found += _rows(kind, msgspec.json.decode(record[0]))
    return sorted(found, key=lambda row: (row.kind, row.conversation, row.seq, row.notice_id))


async def heads(admin: asyncpg.Connection, conversations: list[str]) -> dict[str, int]:
    """The head of each of these conversations."""
    query = "SELECT id, last_seq FROM conversations WHERE id = any($1::text[])"
    return {record["id"]: record["last_seq"] for record in await admin.fetch(query, conversations)}


async def unanswered(admin: asyncpg.Connection, conversations: list[str]) -> int:
    """How many replies are still to be written."""
    query = """
        SELECT count(*) FROM nura.jobs
         WHERE kind = 'reply' AND payload ->> 'conversation_id' = any($1::text[]) AND state <> 'done'
        """
    return int(await admin.fetchval(query, conversations))


def _rows(kind: str, line: dict[str, Any]) -> list[Row]:
    """The lines a table's row makes: a tombstone stands for two places."""
    conversation = line.get("conversation_id", "")
    match kind:
        case "head":
            return [Row(kind=kind, conversation=line["id"], seq=line["last_seq"], person=line["user_id"])]
        case "notice":
            acked = line["acknowledged_at"]
            return [
                Row(
                    kind=kind,
                    notice_id=line["key"],
                    person=line["user_id"],
                    acked=_seconds(acked),
                    t=_seconds(line["created_at"]),
                )
            ]
        case "trim":
            about = line["before_seq"]
            at = _seconds(line["trimmed_at"])
            return [Row(kind=kind, conversation=conversation, seq=line["seq"], about=about, t=at)]
        case "tombstone":
            place = Row(
                kind="removed",
                conversation=conversation,
                seq=line["removed_seq"],
                client_id=line["client_id"],
                message_id=line["message_id"],
                t=_seconds(line["committed_at"]),
            )
            if line["trimmed"]:
                return [place]  # the trim has a line of its own
            own = Row(
                kind=kind,
                conversation=conversation,
                seq=line["seq"],
                about=line["removed_seq"],
                t=_seconds(line["removed_at"]),
            )
            return [place, own]
        case _:
            return [
                Row(
                    kind=kind,
                    conversation=conversation,
                    seq=line["seq"],
                    client_id=line["client_id"] or "",
                    message_id=line["id"],
                    t=_seconds(line["created_at"]),
                )
            ]


def _seconds(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
