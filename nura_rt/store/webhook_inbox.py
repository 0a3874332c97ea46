"""Table `nura.webhook_inbox`: what webhooks have told already, so that it counts once. Runs as `nura_auth`.

Beside the messages it keeps, for each person a source speaks of, how new its newest word was: under
`<source>/newest` and the SHA-256 of the person's id, `received_at` being the time of that word.
"""

from datetime import datetime

from nura_rt.store.pool import Executor


async def receive(conn: Executor, source: str, message_id: str, kind: str) -> bool:
    """False when it was received before. Two at once: the second waits for the first one's transaction."""
    status: str = await conn.execute(
        """
        INSERT INTO nura.webhook_inbox (source, dedup_key, kind) VALUES ($1, $2, $3)
            ON CONFLICT (source, dedup_key) DO NOTHING
        """,
        source,
        message_id,
        kind,
    )
    return status == "INSERT 0 1"


async def take_turn(conn: Executor, source: str, person_id: str) -> None:
    """Words about one person are heard one after the other, until the transaction ends."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))", source, person_id
    )


async def has_newer(conn: Executor, source: str, person_id: str, at: datetime) -> bool:
    """Has the source said something later about the person; after a deletion everything is earlier."""
    newer: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM nura.webhook_inbox
                        WHERE source = $1 || '/newest' AND dedup_key = encode(sha256(convert_to($2, 'UTF8')), 'hex')
                          AND received_at > $3)
        """,
        source,
        person_id,
        at,
    )
    return newer


async def note_newest(conn: Executor, source: str, person_id: str, kind: str, at: datetime | None) -> None:
    """The newest word about the person is from `at`; None for the last one there will be. Take the turn first."""
    await conn.execute(
        """
        DELETE FROM nura.webhook_inbox
         WHERE source = $1 || '/newest' AND dedup_key = encode(sha256(convert_to($2, 'UTF8')), 'hex')
        """,
        source,
        person_id,
    )
    await conn.execute(
        """
        INSERT INTO nura.webhook_inbox (source, dedup_key, kind, received_at)
             VALUES ($1 || '/newest', encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3,
                     coalesce($4::timestamptz, 'infinity'))
        """,
        source,
        person_id,
        kind,
        at,
    )
