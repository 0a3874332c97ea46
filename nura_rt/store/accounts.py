"""Table `nura.accounts`: local sign-in. Runs as `nura_auth`, the only role that may read a password hash."""

import msgspec

from nura_rt.store.pool import Executor


class Account(msgspec.Struct, frozen=True):
    """A person's local sign-in; the hash is bcrypt's."""

    user_id: str
    email: str
    password_hash: str


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
        "SELECT user_id, email, password_hash FROM nura.accounts WHERE email = $1", email
    )
    return Account(**row) if row else None
