"""Table `users`: one row for each person a valid token has named."""

from nura_rt.store.pool import Executor


async def upsert_seen(conn: Executor, *, person_id: str, email: str) -> None:
    """First sight makes the row, later ones note the time. Runs as `nura_auth`; `email` must be free."""
    await conn.execute(
        """
        INSERT INTO users (id, email, last_active_at) VALUES ($1, $2, now())
        ON CONFLICT (id) DO UPDATE SET last_active_at = now()
        """,
        person_id,
        email,
    )


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
