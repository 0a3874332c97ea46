"""Supabase's table `auth.sessions`, where it exists: signed out there is signed out here. Runs as `nura_auth`.

Read through the view that `migrate bootstrap` makes of its ids. Where there is none nobody calls the last two, and
their statements could not be prepared.
"""

from collections.abc import Sequence

from nura_rt.store.pool import Executor


async def readable(conn: Executor) -> bool:
    """Whether there is such a table, and a view of it that we may read."""
    found = await conn.fetchval(
        "SELECT coalesce(has_table_privilege(to_regclass('nura.supabase_sessions'), 'select'), false)"
    )
    return bool(found)


async def has(conn: Executor, session_id: str, person_id: str) -> bool:
    """Whether Supabase has this session of this person (a UUID)."""
    found = await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM nura.supabase_sessions
             WHERE id = CASE WHEN $1::text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN $1::text::uuid END
               AND user_id = $2::text::uuid)
        """,
        session_id,
        person_id,
    )
    return bool(found)


async def end_vanished(conn: Executor, session_ids: Sequence[str]) -> list[str]:
    """Ends those of these that came from Supabase and are there no more; their ids."""
    rows = await conn.fetch(
        """
        UPDATE nura.sessions s SET ended_at = clock_timestamp(), end_reason = 'signed_out'
         WHERE s.id = any($1::text[]) AND s.source = 'supabase' AND s.ended_at IS NULL
           AND NOT EXISTS (
               SELECT FROM nura.supabase_sessions a
                WHERE a.id = CASE WHEN s.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN s.id::uuid END
                  AND a.user_id::text = s.user_id)
        RETURNING s.id
        """,
        session_ids,
    )
    return [row["id"] for row in rows]
