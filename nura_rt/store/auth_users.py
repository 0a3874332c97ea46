"""Rows of `users` as Supabase's `auth.users` tells of them. Runs as `nura_auth`."""

from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class AuthUser(msgspec.Struct, frozen=True):
    """What Supabase knows of a person; None where it knows nothing. `phone` in E.164."""

    id: str
    email: str | None
    phone: str | None
    full_name: str | None
    email_confirmed_at: datetime | None
    phone_confirmed_at: datetime | None
    last_sign_in_at: datetime | None

    def __repr__(self) -> str:
        return f"AuthUser(id={self.id!r}, ...)"


async def upsert(conn: Executor, user: AuthUser, *, email: str) -> None:
    """Makes or renews the row, a deleted one never. The name is taken only when the row is made.

    Raises UniqueViolationError where another person has `email`.
    """
    await conn.execute(
        """
        INSERT INTO users AS u (id, email, phone_number, full_name, email_confirmed_at, phone_confirmed_at,
                                last_sign_in_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET
               email = excluded.email,
               phone_number = excluded.phone_number,
               email_confirmed_at = excluded.email_confirmed_at,
               phone_confirmed_at = excluded.phone_confirmed_at,
               last_sign_in_at = greatest(u.last_sign_in_at, excluded.last_sign_in_at)
         WHERE u.deleted_at IS NULL
        """,
        user.id,
        email,
        user.phone,
        user.full_name,
        user.email_confirmed_at,
        user.phone_confirmed_at,
        user.last_sign_in_at,
    )


async def is_free(conn: Executor, email: str, *, for_person: str) -> bool:
    """Has nobody else this address."""
    free: bool = await conn.fetchval(
        "SELECT NOT EXISTS (SELECT FROM users WHERE email = $1 AND id <> $2)", email, for_person
    )
    return free


async def mark_deleted(conn: Executor, person_id: str) -> None:
    """The person is gone from Supabase: nobody may act as them. Erasing what they wrote is another act."""
    # somebody never seen here may still hold a good token: their row bars it
    await conn.execute(
        """
        INSERT INTO users (id, email, is_active) VALUES ($1::text, $1::text || '@no-email.invalid', false)
            ON CONFLICT (id) DO NOTHING
        """,
        person_id,
    )
    await conn.execute(
        """
        UPDATE users SET deleted_at = coalesce(deleted_at, now()), is_active = false WHERE id = $1
        """,
        person_id,
    )
