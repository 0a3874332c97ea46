"""Table `users`: one row for each person a valid token has named. Runs as `nura_auth`, preferences as the person."""

from typing import Any

from nura_rt.store.pool import Executor


async def insert_signed_up(conn: Executor, *, person_id: str, email: str, display_name: str | None) -> None:
    """A person who made a local account. Runs as `nura_auth`; raises UniqueViolationError on a taken e-mail."""
    await conn.execute(
        """
        INSERT INTO users (id, email, display_name, last_sign_in_at, last_active_at)
             VALUES ($1, $2, $3, now(), now())
        """,
        person_id,
        email,
        display_name,
    )


async def note_sign_in(conn: Executor, person_id: str) -> None:
    """The person signed in now. Runs as `nura_auth`."""
    await conn.execute(
        "UPDATE users SET last_sign_in_at = now(), last_active_at = now() WHERE id = $1", person_id
    )


async def free_email(conn: Executor, email: str, *, for_person: str) -> list[str]:
    """Takes an e-mail address from whoever else has it; the ids of those. Runs as `nura_auth`.

    Audit it in the same transaction, last (`note_email_moved`).
    """
    rows = await conn.fetch(
        """
        UPDATE users SET email = id || '@no-email.invalid', email_confirmed_at = NULL
         WHERE email = $1 AND id <> $2 RETURNING id
        """,
        email,
        for_person,
    )
    return [row["id"] for row in rows]


async def note_email_moved(conn: Executor, person_id: str) -> None:
    """Audits that this person's address became another's. Runs as `nura_auth`; holds a lock to the commit."""
    await conn.execute(
        "INSERT INTO nura.audit_log (actor, user_id, action) VALUES ('system', $1, 'email_moved')", person_id
    )


async def privacy_settings(conn: Executor, person_id: str) -> dict[str, Any]:
    """What the person chose. Runs as the door, inside `as_person`."""
    chosen = await conn.fetchval("SELECT privacy_settings FROM users WHERE id = $1", person_id)
    return chosen if isinstance(chosen, dict) else {}
