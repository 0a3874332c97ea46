"""Writes made-up people. Runs as the owner, who lifts row level security for its own transaction: development only."""

import asyncpg

TABLES = (
    "public.voices", "public.badges", "nura.webhook_inbox", "nura.legacy_imports",
    "nura.unheard_instances", "public.users",
    "public.user_service_profiles", "nura.accounts", "nura.sessions", "nura.refresh_tokens",
    "nura.verifications", "nura.user_keys", "public.conversations", "public.messages", "nura.crisis_events",
    "nura.placeholders",
    "nura.tombstones", "nura.trims", "nura.removed_conversations", "nura.read_marks", "nura.jobs",
    "nura.reply_runs", "public.memory_items", "public.voice_calls", "public.call_summaries",
    "public.safety_contacts", "public.schedules", "public.user_badges", "public.generated_images",
    "nura.consents", "nura.notices", "nura.audit_log",
)  # fmt: skip
_NOBODYS = ("nura.webhook_inbox", "nura.legacy_imports", "nura.unheard_instances")
_FORCED = [table for table in TABLES if table not in _NOBODYS]
Rows = dict[str, list[dict[str, object]]]


async def missing(conn: asyncpg.Connection, person_ids: list[str]) -> set[str]:
    """Those of the ids that have no row in `users`."""
    rows = await conn.fetch("SELECT id FROM unnest($1::text[]) AS id EXCEPT SELECT id FROM users", person_ids)
    return {row["id"] for row in rows}


async def begin(conn: asyncpg.Connection) -> None:
    """Inside a transaction: from here on it sees and may write everybody's rows."""
    for table in _FORCED:
        await conn.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


async def end(conn: asyncpg.Connection) -> None:
    """Puts the rules back before the commit."""
    for table in _FORCED:
        await conn.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


async def insert(conn: asyncpg.Connection, rows: Rows) -> int:
    """Rows by table, parents first whatever their order here; what exists stays. Returns how many were written."""
    written = 0
    for table in TABLES:
        for row in rows.get(table, ()):
            names = ", ".join(row)
            places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
            done = await conn.execute(
                f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
                *row.values(),
            )
            written += int(done.rpartition(" ")[2])
    return written
