"""Table `nura.verifications`: secrets sent to an address or a number, by digest. Runs as `nura_auth`."""

import msgspec

from nura_rt.store.pool import Executor


class Proved(msgspec.Struct, frozen=True):
    """Whose secret it was, and the address or number it was sent to."""

    user_id: str
    target: str


class CodeTry(msgspec.Struct, frozen=True):
    """The code that is being guessed; one try of it is already spent."""

    id: str
    target: str
    secret_hash: bytes


async def insert(
    conn: Executor,
    *,
    verification_id: str,
    person_id: str,
    purpose: str,
    target: str,
    secret_hash: bytes,
    ttl_s: int,
) -> None:
    """A secret that was not shown yet. What the person was sent two days ago and earlier is forgotten."""
    await conn.execute(
        """
        WITH forgotten AS (
            DELETE FROM nura.verifications WHERE user_id = $2 AND created_at < now() - interval '2 days')
        INSERT INTO nura.verifications (id, user_id, purpose, target, secret_hash, expires_at)
             VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
        """,
        verification_id,
        person_id,
        purpose,
        target,
        secret_hash,
        float(ttl_s),
    )


async def take_turn(conn: Executor, person_id: str, purpose: str) -> None:
    """Secrets of one kind for one person are made one after the other, until the transaction ends."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('verifications/' || $1 || '/' || $2, 0))",
        person_id,
        purpose,
    )


async def count_lately(conn: Executor, person_id: str, purpose: str) -> int:
    """How many were sent to the person for this purpose within the last hour."""
    count: int = await conn.fetchval(
        """
        SELECT count(*) FROM nura.verifications
         WHERE user_id = $1 AND purpose = $2 AND created_at > now() - interval '1 hour'
        """,
        person_id,
        purpose,
    )
    return count


async def find(conn: Executor, secret_hash: bytes, purpose: str) -> Proved | None:
    """Whose it is, while it is good; it stays unused."""
    row = await conn.fetchrow(
        """
        SELECT user_id, target FROM nura.verifications
         WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now()
        """,
        secret_hash,
        purpose,
    )
    return Proved(**row) if row else None


async def use(conn: Executor, secret_hash: bytes, purpose: str) -> Proved | None:
    """Whose it is; None for one that is unknown, used or expired. Of two at once one gets it."""
    row = await conn.fetchrow(
        """
        UPDATE nura.verifications SET used_at = now()
         WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now()
        RETURNING user_id, target
        """,
        secret_hash,
        purpose,
    )
    return Proved(**row) if row else None


async def spend_try(conn: Executor, person_id: str) -> CodeTry | None:
    """The person's newest phone code, one try poorer; None when there is none, or none left. Commit it always."""
    row = await conn.fetchrow(
        """
        UPDATE nura.verifications v SET tries_left = tries_left - 1
         WHERE v.id = (SELECT n.id FROM nura.verifications n WHERE n.user_id = $1 AND n.purpose = 'phone'
                        ORDER BY n.created_at DESC, n.id LIMIT 1)
           AND v.tries_left > 0 AND v.used_at IS NULL AND v.expires_at > now()
        RETURNING v.id, v.target, v.secret_hash
        """,
        person_id,
    )
    return CodeTry(**row) if row else None


async def withdraw(conn: Executor, person_id: str, purpose: str, *, but: str | None = None) -> None:
    """What was sent for this purpose proves nothing any more, except to the target `but`."""
    await conn.execute(
        """
        UPDATE nura.verifications SET used_at = now()
         WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND target IS DISTINCT FROM $3
        """,
        person_id,
        purpose,
        but,
    )
