"""Table `nura.refresh_tokens`, by digest. Runs as `nura_auth`, in a transaction that locks the session first.

All refreshes of a session stand in one line, whichever instance they came to.
"""

from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class LockedSession(msgspec.Struct, frozen=True):
    """The session of a token; `live` is false when it or its person may not go on."""

    session_id: str
    user_id: str
    email: str | None
    signed_in_at: datetime
    live: bool


class TokenState(msgspec.Struct, frozen=True):
    """What is known of a token that was shown, by the database's clock."""

    used: bool
    same_attempt: bool  # it comes again under the name of the attempt that used it: that answer was lost
    expired: bool
    successor_waits: bool  # it was made and never used


async def lock_session(conn: Executor, token_hash: bytes) -> LockedSession | None:
    """The token's session, locked until the end of the transaction; None for an unknown token."""
    row = await conn.fetchrow(
        """
        SELECT s.id AS session_id, s.user_id, a.email, s.signed_in_at,
               s.ended_at IS NULL AND u.deleted_at IS NULL AND coalesce(u.is_active, true) AS live
          FROM nura.sessions s
          JOIN users u ON u.id = s.user_id
          LEFT JOIN nura.accounts a ON a.user_id = s.user_id
         WHERE s.id = (SELECT t.session_id FROM nura.refresh_tokens t WHERE t.token_hash = $1)
           FOR KEY SHARE OF u FOR UPDATE OF s -- the order in which a sighting locks them
        """,
        token_hash,
    )
    return LockedSession(**row) if row else None


async def state_of(
    conn: Executor, token_hash: bytes, *, successor_hash: bytes, attempt_digest: bytes | None
) -> TokenState:
    """The state of a known token, read after its session was locked: a statement sees what committed before it."""
    row = await conn.fetchrow(
        """
        SELECT t.used_at IS NOT NULL AS used,
               coalesce(t.attempt_digest = $3, false) AS same_attempt,
               t.expires_at <= clock_timestamp() AS expired,
               EXISTS (SELECT FROM nura.refresh_tokens n WHERE n.token_hash = $2 AND n.used_at IS NULL)
                 AS successor_waits
          FROM nura.refresh_tokens t WHERE t.token_hash = $1
        """,
        token_hash,
        successor_hash,
        attempt_digest,
    )
    assert row is not None, "lock_session found it, and nothing deletes one without its session"
    return TokenState(**row)


async def insert(conn: Executor, token_hash: bytes, *, session_id: str, person_id: str, ttl_s: int) -> None:
    """A new token of a session; the session lives at least as long as it.

    Tokens used a week ago go: shown again, one is then refused as unknown and ends nothing.
    """
    await conn.execute(
        """
        WITH kept AS (
            UPDATE nura.sessions
               SET last_seen_at = now(), expires_at = greatest(expires_at, now() + make_interval(secs => $4))
             WHERE id = $2),
        old AS (
            DELETE FROM nura.refresh_tokens WHERE session_id = $2 AND used_at < now() - interval '7 days')
        INSERT INTO nura.refresh_tokens (token_hash, session_id, user_id, expires_at)
             VALUES ($1, $2, $3, now() + make_interval(secs => $4))
        """,
        token_hash,
        session_id,
        person_id,
        float(ttl_s),
    )


async def use(conn: Executor, token_hash: bytes, *, attempt_digest: bytes | None) -> None:
    """It was shown, by an attempt of this name, and followed by another."""
    await conn.execute(
        "UPDATE nura.refresh_tokens SET used_at = clock_timestamp(), attempt_digest = $2 WHERE token_hash = $1",
        token_hash,
        attempt_digest,
    )
