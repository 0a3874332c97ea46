"""Table `nura.accounts`: local sign-in, and what it proves in `users`. Runs as `nura_auth`.

No other role may read a password hash.
"""

from datetime import datetime

import msgspec

from nura_rt.store.pool import Executor


class Account(msgspec.Struct, frozen=True):
    """A person's local sign-in; the hash is bcrypt's. Not `open`: deleted or made inactive."""

    user_id: str
    email: str
    password_hash: str
    password_changed_at: datetime
    email_confirmed_at: datetime | None
    open: bool

    def __repr__(self) -> str:
        return f"Account(user_id={self.user_id!r}, ...)"  # a traceback must print neither address nor hash


async def insert(conn: Executor, *, person_id: str, email: str, password_hash: str) -> None:
    """Raises UniqueViolationError when the e-mail has an account."""
    await conn.execute(
        "INSERT INTO nura.accounts (user_id, email, password_hash) VALUES ($1, $2, $3)",
        person_id,
        email,
        password_hash,
    )


async def find(conn: Executor, email: str) -> Account | None:
    """The account of an e-mail address, compared in lower case as it was stored."""
    row = await conn.fetchrow(
        """
        SELECT a.user_id, a.email, a.password_hash, a.password_changed_at, u.email_confirmed_at,
               u.deleted_at IS NULL AND coalesce(u.is_active, true) AS open
          FROM nura.accounts a JOIN users u ON u.id = a.user_id WHERE a.email = $1
        """,
        email,
    )
    return Account(**row) if row else None


async def of_person(conn: Executor, person_id: str) -> Account | None:
    """The person's account; None for somebody who signs in elsewhere."""
    row = await conn.fetchrow(
        """
        SELECT a.user_id, a.email, a.password_hash, a.password_changed_at, u.email_confirmed_at,
               u.deleted_at IS NULL AND coalesce(u.is_active, true) AS open
          FROM nura.accounts a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1
        """,
        person_id,
    )
    return Account(**row) if row else None


async def lock(conn: Executor, person_id: str) -> Account | None:
    """The same, as it is now and until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT a.user_id, a.email, a.password_hash, a.password_changed_at, u.email_confirmed_at,
               u.deleted_at IS NULL AND coalesce(u.is_active, true) AS open
          FROM nura.accounts a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1 FOR UPDATE OF a
        """,
        person_id,
    )
    return Account(**row) if row else None


async def still_has(conn: Executor, account: Account) -> bool:
    """Is the password still the one that was read with the account; until the transaction ends it stays so."""
    same = await conn.fetchval(
        "SELECT true FROM nura.accounts WHERE user_id = $1 AND password_changed_at = $2 FOR SHARE",
        account.user_id,
        account.password_changed_at,
    )
    return bool(same)


async def is_taken(conn: Executor, email: str, *, but_by: str) -> bool:
    """Has somebody other than `but_by` this address."""
    taken: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM users WHERE email = $1 AND id <> $2)
            OR EXISTS (SELECT FROM nura.accounts WHERE email = $1 AND user_id <> $2)
        """,
        email,
        but_by,
    )
    return taken


async def set_password(conn: Executor, person_id: str, password_hash: str, *, was: str) -> bool:
    """False when the hash is no longer `was`: somebody else has changed it meanwhile."""
    status: str = await conn.execute(
        """
        UPDATE nura.accounts SET password_hash = $2, password_changed_at = clock_timestamp()
         WHERE user_id = $1 AND password_hash = $3
        """,
        person_id,
        password_hash,
        was,
    )
    return status == "UPDATE 1"


async def reset_password(conn: Executor, person_id: str, password_hash: str, *, email: str) -> bool:
    """False when the account has another address by now, or its person is gone."""
    status: str = await conn.execute(
        """
        UPDATE nura.accounts a SET password_hash = $2, password_changed_at = clock_timestamp()
          FROM users u
         WHERE a.user_id = $1 AND a.email = $3 AND u.id = a.user_id
           AND u.deleted_at IS NULL AND coalesce(u.is_active, true)
        """,
        person_id,
        password_hash,
        email,
    )
    return status == "UPDATE 1"


async def set_email(conn: Executor, person_id: str, email: str) -> None:
    """The account's address. Raises UniqueViolationError where somebody has it."""
    await conn.execute("UPDATE nura.accounts SET email = $2 WHERE user_id = $1", person_id, email)


async def confirm_email(conn: Executor, person_id: str, email: str) -> None:
    """The person was reached there. Raises UniqueViolationError where another row of `users` has the address."""
    await conn.execute(
        """
        UPDATE users
           SET email = $2::text,
               email_confirmed_at = CASE WHEN email = $2::text THEN coalesce(email_confirmed_at, now()) ELSE now() END
         WHERE id = $1
        """,
        person_id,
        email,
    )


async def forget_phone(conn: Executor, person_id: str) -> bool:
    """Whoever knew the old password may have added the number. False when there was none."""
    status: str = await conn.execute(
        """
        UPDATE users SET phone_number = NULL, phone_confirmed_at = NULL
         WHERE id = $1 AND phone_number IS NOT NULL
        """,
        person_id,
    )
    return status == "UPDATE 1"


async def confirm_phone(conn: Executor, person_id: str, phone: str) -> str | None:
    """The person was reached at this number (E.164). Their proved address, if it was another one or none before."""
    told: str | None = await conn.fetchval(
        """
        UPDATE users u SET phone_number = $2, phone_confirmed_at = now()
          FROM (SELECT id, phone_number FROM users WHERE id = $1 FOR UPDATE) AS before
         WHERE u.id = before.id
        RETURNING CASE WHEN before.phone_number IS DISTINCT FROM $2 AND u.email_confirmed_at IS NOT NULL
                       THEN u.email END
        """,
        person_id,
        phone,
    )
    return told
