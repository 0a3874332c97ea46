"""People from a legacy table: `users`, `user_service_profiles` and how far an import has come. Runs as `nura_import`.

A batch is one transaction of its caller: rows and position together, so a killed import continues where it was.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from nura_rt.store.pool import Executor

PLACEHOLDER = "@no-email.invalid"


class Profile(msgspec.Struct, frozen=True):
    """What one service knows of a person; None: nothing is said of it."""

    service_type: str
    service_preferences: dict[str, Any] | None = None
    service_metadata: dict[str, Any] | None = None
    usage_stats: dict[str, Any] | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A legacy row in our words; `present` names the columns that the legacy table has at all."""

    id: str
    watermark: datetime
    present: frozenset[str]
    email: str | None
    phone_number: str | None
    full_name: str | None
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    last_sign_in_at: datetime | None
    is_active: bool | None
    current_streak: int | None
    xp: int | None
    privacy_settings: dict[str, Any]
    created_at: datetime | None
    profiles: dict[str, Profile]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The person as the table has them."""

    id: str
    email: str
    phone_number: str | None
    full_name: str | None
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    last_sign_in_at: datetime | None
    is_active: bool | None
    current_streak: int | None
    xp: int | None
    privacy_settings: dict[str, Any] | None
    updated_at: datetime | None


class StoredProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A service profile as the table has it."""

    user_id: str
    service_type: str
    service_preferences: dict[str, Any] | None
    service_metadata: dict[str, Any] | None
    usage_stats: dict[str, Any] | None


class Position(msgspec.Struct, frozen=True):
    """How far a source was read, and when that was noted."""

    watermark: datetime
    last_id: str
    updated_at: datetime


async def take(conn: Executor, source: str) -> bool:
    """Whether this session is now the only one that imports `source`; kept until it closes."""
    return bool(
        await conn.fetchval(
            "SELECT pg_try_advisory_lock(hashtext('nura.legacy_imports'), hashtext($1))", source
        )
    )


async def position(conn: Executor, source: str) -> Position | None:
    """Where the import of `source` stands."""
    row = await conn.fetchrow(
        """
        SELECT watermark, last_id, updated_at FROM nura.legacy_imports
         WHERE source = $1 AND watermark IS NOT NULL AND last_id IS NOT NULL
        """,
        source,
    )
    return Position(**row) if row else None


async def note(conn: Executor, source: str, *, watermark: datetime, last_id: str, moved: int) -> datetime:
    """Notes how far it came and adds to what was moved; returns the transaction's time."""
    at: datetime = await conn.fetchval(
        """
        INSERT INTO nura.legacy_imports AS i (source, watermark, last_id, moved) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source) DO UPDATE SET watermark = $2, last_id = $3, moved = i.moved + $4, updated_at = now()
        RETURNING now()
        """,
        source,
        watermark,
        last_id,
        moved,
    )
    return at


async def hold(conn: Executor, ids: Sequence[str]) -> None:
    """Nobody else changes these people until the transaction ends."""
    await conn.execute("SELECT 1 FROM users WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE", ids)


async def find(conn: Executor, ids: Sequence[str]) -> dict[str, Stored]:
    """Those of these people who are here, by id."""
    rows = await conn.fetch(
        """
        SELECT id, email, phone_number, full_name, display_name, bio, avatar_url, last_sign_in_at, is_active,
               current_streak, xp, privacy_settings, updated_at
          FROM users WHERE id = ANY ($1::text[])
        """,
        ids,
    )
    return {row["id"]: Stored(**row) for row in rows}


async def holders(conn: Executor, emails: Collection[str]) -> dict[str, str]:
    """Who has these addresses: address -> person."""
    rows = await conn.fetch("SELECT email, id FROM users WHERE email = ANY ($1::text[])", list(emails))
    return {row["email"]: row["id"] for row in rows}


async def profiles(conn: Executor, ids: Sequence[str]) -> dict[tuple[str, str], StoredProfile]:
    """The service profiles of these people, by person and service."""
    rows = await conn.fetch(
        """
        SELECT user_id, service_type, service_preferences, service_metadata, usage_stats
          FROM user_service_profiles WHERE user_id = ANY ($1::text[])
        """,
        ids,
    )
    return {(row["user_id"], row["service_type"]): StoredProfile(**row) for row in rows}


async def release(conn: Executor, ids: Sequence[str]) -> None:
    """Their addresses become free; each gets the placeholder until its own new one is written."""
    await conn.execute(
        """
        UPDATE users SET email = id || '@no-email.invalid', email_confirmed_at = NULL WHERE id = ANY ($1::text[])
        """,
        ids,
    )


async def insert(conn: Executor, people: Sequence[tuple[Person, str]]) -> None:
    """New people, each with the address that is theirs here. UniqueViolationError where one was just taken."""
    await conn.executemany(
        """
        INSERT INTO users (id, email, phone_number, full_name, display_name, bio, avatar_url, last_sign_in_at,
                           is_active, current_streak, xp, privacy_settings, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, true), coalesce($10, 0), coalesce($11, 0), $12,
                coalesce($13, now()), coalesce($14, $13, now()))
        """,
        [
            (
                one.id, email, one.phone_number, one.full_name, one.display_name, one.bio, one.avatar_url,
                one.last_sign_in_at, one.is_active, one.current_streak, one.xp, one.privacy_settings, one.created_at,
                one.watermark if one.watermark.timestamp() > 0 else None,
            )
            for one, email in people
        ],
    )  # fmt: skip


async def update(conn: Executor, people: Sequence[Stored]) -> None:
    """Writes these people as they are told here. A changed address or number is no longer a confirmed one."""
    await conn.executemany(
        """
        UPDATE users
           SET email_confirmed_at = CASE WHEN email = $2::text THEN email_confirmed_at END,
               phone_confirmed_at = CASE WHEN phone_number = $3::text THEN phone_confirmed_at END,
               email = $2::text, phone_number = $3::text, full_name = $4, display_name = $5, bio = $6, avatar_url = $7,
               last_sign_in_at = $8, is_active = $9, current_streak = $10, xp = $11, privacy_settings = $12
         WHERE id = $1
        """,
        [
            (
                one.id, one.email, one.phone_number, one.full_name, one.display_name, one.bio, one.avatar_url,
                one.last_sign_in_at, one.is_active, one.current_streak, one.xp, one.privacy_settings,
            )
            for one in people
        ],
    )  # fmt: skip


async def claim(conn: Executor, *, person_id: str, email: str) -> bool:
    """Gives a person who has a placeholder the address they should have, if it is free now."""
    return bool(
        await conn.fetchval(
            """
            UPDATE users SET email = $2::text
             WHERE id = $1 AND email = id || '@no-email.invalid'
               AND NOT EXISTS (SELECT FROM users WHERE email = $2::text)
            RETURNING true
            """,
            person_id,
            email,
        )
    )


async def put_profiles(conn: Executor, found: Sequence[StoredProfile]) -> None:
    """Makes or rewrites these service profiles."""
    await conn.executemany(
        """
        INSERT INTO user_service_profiles (user_id, service_type, service_preferences, service_metadata, usage_stats)
        VALUES ($1, $2, coalesce($3, '{}'::json), coalesce($4, '{}'::json), coalesce($5, '{}'::json))
        ON CONFLICT (user_id, service_type) DO UPDATE
           SET service_preferences = excluded.service_preferences, service_metadata = excluded.service_metadata,
               usage_stats = excluded.usage_stats
        """,
        [
            (one.user_id, one.service_type, one.service_preferences, one.service_metadata, one.usage_stats)
            for one in found
        ],
    )
