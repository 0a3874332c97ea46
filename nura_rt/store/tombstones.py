"""Table `nura.tombstones`: what a removal leaves. Runs as the door, inside `as_person`.

The caller holds the conversation (`hold`), so seqs are given one after another, as the batched writer gives them.
"""

import msgspec

from nura_rt.store.pool import Executor


class Removed(msgspec.Struct, frozen=True):
    """The message that stood at `removed_seq` is gone; `seq` is what its removal took."""

    seq: int
    removed_seq: int


async def hold(conn: Executor, *, person_id: str, conversation_id: str) -> bool:
    """Locks the conversation until the transaction ends, as the writer does; false when it is not the person's."""
    found = await conn.fetchval(
        "SELECT id FROM conversations WHERE user_id = $1 AND id = $2 FOR NO KEY UPDATE",
        person_id,
        conversation_id,
    )
    return found is not None


async def remove(conn: Executor, *, person_id: str, conversation_id: str, message_id: str) -> Removed | None:
    """Deletes one message, takes the next seq and leaves a tombstone there; None when it is not there (any more)."""
    row = await conn.fetchrow(
        """
        WITH gone AS (
          DELETE FROM messages WHERE user_id = $1 AND conversation_id = $2 AND id = $3
          RETURNING id, conversation_id, user_id, seq, client_id, created_at),
        head AS (
          UPDATE conversations c SET last_seq = c.last_seq + 1, message_count = greatest(c.message_count - 1, 0)
            FROM gone g WHERE c.id = g.conversation_id
          RETURNING c.last_seq),
        still_read AS ( -- who had read everything has nothing new
          UPDATE nura.read_marks r SET seq = h.last_seq FROM head h, gone g
           WHERE r.conversation_id = g.conversation_id AND r.user_id = g.user_id AND r.seq = h.last_seq - 1)
        INSERT INTO nura.tombstones (conversation_id, user_id, seq, removed_seq, client_id, message_id, committed_at)
        SELECT g.conversation_id, g.user_id, h.last_seq, g.seq,
               -- an instance that knows no tombstones may have kept a retry anew; the first one keeps the name
               CASE WHEN t.client_id IS NULL THEN g.client_id ELSE g.id END, g.id, g.created_at
          FROM head h, gone g
          LEFT JOIN nura.tombstones t ON t.conversation_id = g.conversation_id AND t.client_id = g.client_id
        RETURNING seq, removed_seq
        """,
        person_id,
        conversation_id,
        message_id,
    )
    return Removed(**row) if row else None


async def of(conn: Executor, *, person_id: str, conversation_id: str, message_id: str) -> Removed | None:
    """What an earlier removal of this message left."""
    row = await conn.fetchrow(
        """
        SELECT seq, removed_seq FROM nura.tombstones
         WHERE user_id = $1 AND conversation_id = $2 AND message_id = $3
        """,
        person_id,
        conversation_id,
        message_id,
    )
    return Removed(**row) if row else None
