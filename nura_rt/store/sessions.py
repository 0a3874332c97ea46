"""Table `nura.sessions`: one row for each sign-in. Ended is ended: nothing here wakes one. Runs as `nura_auth`."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class SessionRow(msgspec.Struct, frozen=True):
    """A sign-in that counts."""

    id: str
    source: str
    device: str | None
    ip_prefix: str | None
    signed_in_at: datetime
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Seen(msgspec.Struct, frozen=True):
    """What came of a sighting: `live` when the session counts, `barred` when its person is gone."""

    live: bool
    barred: bool
    device: str | None
    ip_prefix: str | None
    signed_in_at: datetime | None
    expires_at: datetime | None


class Ended(msgspec.Struct, frozen=True):
    """A session that was ended, and why."""

    id: str
    end_reason: str


class Sighting(msgspec.Struct, frozen=True):
    """What a valid token says, as the tables keep it. None for what it does not say."""

    session_id: str
    person_id: str
    source: str
    email: str | None
    phone: str | None
    email_confirmed_at: datetime | None
    phone_confirmed_at: datetime | None
    signed_in_at: datetime | None
    issued_at: datetime
    expires_at: datetime
    device: str | None  # what the client calls itself
    agent: str | None  # what its User-Agent suggests, where nothing better is known
    ip_prefix: str | None

    def __repr__(self) -> str:
        return "Sighting(...)"  # a traceback must not print an address


_SEEN = """
    WITH fresh AS (
        SELECT $3::text = 'supabase' AND NOT EXISTS (
            SELECT FROM nura.sessions
             WHERE user_id = $1::text AND source = 'supabase' AND ended_at IS NULL
               AND expires_at > $10::timestamptz) AS newest
    ), person AS (
        INSERT INTO users AS u (id, email, phone_number, email_confirmed_at, phone_confirmed_at,
                                last_sign_in_at, last_active_at)
        SELECT $1, coalesce($4::text, $1 || '@no-email.invalid'), $5::text, $6::timestamptz, $7::timestamptz,
               $8::timestamptz, now()
         WHERE NOT EXISTS (SELECT FROM nura.sessions
                            WHERE id = $2::text AND (user_id <> $1 OR ended_at IS NOT NULL))
        ON CONFLICT (id) DO UPDATE SET
          email = CASE WHEN (SELECT newest FROM fresh) THEN coalesce($4, u.email) ELSE u.email END,
          phone_number = CASE WHEN (SELECT newest FROM fresh) THEN coalesce($5, u.phone_number)
                              ELSE u.phone_number END,
          email_confirmed_at = CASE WHEN NOT (SELECT newest FROM fresh) THEN u.email_confirmed_at
                                    WHEN $4 <> u.email THEN $6
                                    ELSE coalesce($6, u.email_confirmed_at) END,
          phone_confirmed_at = CASE WHEN NOT (SELECT newest FROM fresh) THEN u.phone_confirmed_at
                                    WHEN $5 IS DISTINCT FROM u.phone_number AND $5 IS NOT NULL THEN $7
                                    ELSE coalesce($7, u.phone_confirmed_at) END,
          last_sign_in_at = greatest(u.last_sign_in_at, $8),
          last_active_at = now()
        WHERE u.is_active IS NOT FALSE AND u.deleted_at IS NULL
        RETURNING u.id
    ), sitting AS (
        INSERT INTO nura.sessions AS s (id, user_id, source, device, ip_prefix, signed_in_at, expires_at)
        SELECT $2, id, $3, coalesce($11::text, $12::text), $13::text, coalesce($8, $9::timestamptz), $10 FROM person
        ON CONFLICT (id) DO UPDATE SET
          device = coalesce($11, s.device, $12),
          ip_prefix = coalesce($13, s.ip_prefix),
          signed_in_at = greatest(s.signed_in_at, $8),
          expires_at = greatest(s.expires_at, $10),
          last_seen_at = now()
        WHERE s.user_id = excluded.user_id AND s.ended_at IS NULL
        RETURNING s.id, s.device, s.ip_prefix, s.signed_in_at, s.expires_at
    )
    SELECT sitting.id IS NOT NULL AS live,
           EXISTS (SELECT FROM users WHERE id = $1 AND (is_active IS FALSE OR deleted_at IS NOT NULL)) AS barred,
           sitting.device, sitting.ip_prefix, sitting.signed_in_at, sitting.expires_at
      FROM (SELECT) AS one LEFT JOIN sitting ON true
"""


async def seen(conn: Executor, sighting: Sighting) -> Seen:
    """Makes or refreshes the person's row and the session's, in one round trip; neither for one that is refused.

    A token changes a known person only where no newer one of theirs was seen, and never a local account,
    which changes through its own doors. Raises UniqueViolationError where another person has the e-mail.
    """
    row = await conn.fetchrow(
        _SEEN,
        sighting.person_id,
        sighting.session_id,
        sighting.source,
        sighting.email,
        sighting.phone,
        sighting.email_confirmed_at,
        sighting.phone_confirmed_at,
        sighting.signed_in_at,
        sighting.issued_at,
        sighting.expires_at,
        sighting.device,
        sighting.agent,
        sighting.ip_prefix,
    )
    assert row is not None
    return Seen(**row)


async def insert(
    conn: Executor,
    *,
    session_id: str,
    person_id: str,
    device: str | None,
    ip_prefix: str | None,
    signed_in_at: datetime,
    expires_at: datetime,
) -> None:
    """A local sign-in."""
    await conn.execute(
        """
        INSERT INTO nura.sessions (id, user_id, source, device, ip_prefix, signed_in_at, expires_at)
             VALUES ($1, $2, 'local', $3, $4, $5, $6)
        """,
        session_id,
        person_id,
        device,
        ip_prefix,
        signed_in_at,
        expires_at,
    )


async def end(conn: Executor, person_id: str, session_id: str, reason: str) -> bool:
    """Ends one; False when it is another person's, ended already or missing."""
    found = await conn.fetchval(
        """
        UPDATE nura.sessions SET ended_at = clock_timestamp(), end_reason = $3
         WHERE id = $2 AND user_id = $1 AND ended_at IS NULL RETURNING true
        """,
        person_id,
        session_id,
        reason,
    )
    return bool(found)


async def end_all(conn: Executor, person_id: str, *, keep: str | None, reason: str) -> list[str]:
    """Ends all of the person's but `keep`; the ids of those that were not ended before."""
    rows = await conn.fetch(
        """
        UPDATE nura.sessions SET ended_at = clock_timestamp(), end_reason = $3
         WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $2 RETURNING id
        """,
        person_id,
        keep,
        reason,
    )
    return [row["id"] for row in rows]


async def end_barred(conn: Executor, session_ids: Sequence[str]) -> list[str]:
    """Ends those of these whose person is deactivated or deleted; their ids."""
    rows = await conn.fetch(
        """
        UPDATE nura.sessions s SET ended_at = clock_timestamp(), end_reason = 'deleted'
          FROM users u
         WHERE s.id = any($1::text[]) AND s.ended_at IS NULL AND u.id = s.user_id
           AND (u.is_active IS FALSE OR u.deleted_at IS NOT NULL)
        RETURNING s.id
        """,
        session_ids,
    )
    return [row["id"] for row in rows]


async def is_live(conn: Executor, session_id: str) -> bool:
    """Is it there, and not ended."""
    live: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM nura.sessions WHERE id = $1 AND ended_at IS NULL)", session_id
    )
    return live


async def list_of(conn: Executor, person_id: str) -> list[SessionRow]:
    """The person's sessions that count now, the last seen first."""
    rows = await conn.fetch(
        """
        SELECT id, source, device, ip_prefix, signed_in_at, created_at, last_seen_at, expires_at
          FROM nura.sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
         ORDER BY last_seen_at DESC, id LIMIT 200
        """,
        person_id,
    )
    return [SessionRow(**row) for row in rows]


async def ended_lately(conn: Executor, *, within_s: float) -> list[Ended]:
    """Every session ended in the last so many seconds, whoever's."""
    rows = await conn.fetch(
        """
        SELECT id, end_reason FROM nura.sessions
         WHERE ended_at > now() - make_interval(secs => $1)
        """,
        within_s,
    )
    return [Ended(**row) for row in rows]
