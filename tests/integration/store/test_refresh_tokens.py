"""Used refresh tokens do not pile up, and what may still be shown stays."""

import asyncpg

from databases import Database
from nura_rt.store import pool, refresh_tokens
from rows import make_person


async def test_a_new_token_takes_those_used_long_ago_with_it(
    database: Database, root: asyncpg.Connection
) -> None:
    ann = await make_person(root)
    await root.execute(
        """
        INSERT INTO nura.sessions (id, user_id, source, signed_in_at, expires_at)
             VALUES ($1 || '-s', $1, 'local', now(), now() + interval '1 hour')
        """,
        ann,
    )
    await root.execute(
        """
        INSERT INTO nura.refresh_tokens (token_hash, session_id, user_id, expires_at, used_at)
        SELECT convert_to(name || $1, 'UTF8'), $1 || '-s', $1, now() + interval '1 hour', used_at
          FROM (VALUES ('long', now() - interval '8 days'), ('lately', now() - interval '6 days'), ('never', NULL))
               AS old(name, used_at)
        """,
        ann,
    )
    conn = await pool.connect(database.url, "nura_auth")

    await refresh_tokens.insert(conn, b"new" + ann.encode(), session_id=f"{ann}-s", person_id=ann, ttl_s=60)

    await conn.close()
    kept = await root.fetch("SELECT token_hash FROM nura.refresh_tokens WHERE user_id = $1", ann)
    assert {bytes(row["token_hash"]) for row in kept} == {
        name + ann.encode() for name in (b"lately", b"never", b"new")
    }
