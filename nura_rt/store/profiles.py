"""Table `users`: what a person says of themselves. Sign-in's columns are written in `store.users`."""

from datetime import datetime
from typing import Any

import msgspec

from nura_rt.store.pool import Executor


class Profile(msgspec.Struct, frozen=True):
    """The person's own row; `privacy_settings` as it is stored."""

    id: str
    email: str
    email_confirmed_at: datetime | None
    phone_number: str | None
    phone_confirmed_at: datetime | None
    full_name: str | None
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    current_streak: int
    xp: int
    privacy_settings: Any
    created_at: datetime


class Own(msgspec.Struct, frozen=True):
    """The columns the person writes."""

    full_name: str | None
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    privacy_settings: Any


async def find(conn: Executor, person_id: str) -> Profile | None:
    """The person's row; None once it is deleted. Runs as the door, inside `as_person`."""
    row = await conn.fetchrow(
        """
        SELECT id, email, email_confirmed_at, phone_number, phone_confirmed_at, full_name, display_name, bio,
               avatar_url, coalesce(current_streak, 0) AS current_streak, coalesce(xp, 0) AS xp,
               privacy_settings, created_at
          FROM users WHERE id = $1 AND deleted_at IS NULL
        """,
        person_id,
    )
    return Profile(**row) if row else None


async def held(conn: Executor, person_id: str) -> Own | None:
    """What the person wrote, locked until the commit, so that two changes do not lose one another.

    Runs as the door, inside `as_person`.
    """
    row = await conn.fetchrow(
        """
        SELECT full_name, display_name, bio, avatar_url, privacy_settings
          FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
        """,
        person_id,
    )
    return Own(**row) if row else None


async def write(conn: Executor, person_id: str, own: Own) -> None:
    """All of the person's own columns. Runs as the door, inside `as_person`, after `held`."""
    await conn.execute(
        """
        UPDATE users SET full_name = $2, display_name = $3, bio = $4, avatar_url = $5, privacy_settings = $6
         WHERE id = $1
        """,
        person_id,
        own.full_name,
        own.display_name,
        own.bio,
        own.avatar_url,
        own.privacy_settings,
    )
