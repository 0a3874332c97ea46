"""Table `nura.trims`: what retention took at once. Runs as the door, inside `as_person`.

As with tombstones, the caller holds the conversation.
"""

import msgspec

from nura_rt.store.pool import Executor


class Trimmed(msgspec.Struct, frozen=True):
    """Everything below `before_seq` is gone; `seq` is what the trim took."""

    seq: int
    before_seq: int


async def trim(conn: Executor, *, person_id: str, conversation_id: str, before_seq: int) -> Trimmed | None:
    """Deletes the messages below `before_seq` under one new seq; None, and no seq is taken, when there are none.

    Their client_ids stay taken. The conversation must be held (`tombstones.hold`).
    """
    row = await conn.fetchrow(
        """
        WITH gone AS (
          DELETE FROM messages WHERE user_id = $1 AND conversation_id = $2 AND seq < $3
          RETURNING id, conversation_id, user_id, seq, client_id, created_at),
        head AS (
          UPDATE conversations c
             SET last_seq = c.last_seq + 1, tail_seq = greatest(c.tail_seq, least($3, c.last_seq + 1)),
                 message_count = greatest(c.message_count - (SELECT count(*) FROM gone), 0)
           WHERE c.user_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM gone)
          RETURNING c.id, c.user_id, c.last_seq, c.tail_seq),
        still_read AS ( -- as in `tombstones.remove`
          UPDATE nura.read_marks r SET seq = h.last_seq FROM head h
           WHERE r.conversation_id = h.id AND r.user_id = h.user_id AND r.seq = h.last_seq - 1),
        left_behind AS (
          INSERT INTO nura.tombstones
                 (conversation_id, user_id, seq, removed_seq, client_id, message_id, committed_at, trimmed)
          SELECT g.conversation_id, g.user_id, h.last_seq, g.seq, -- as in `tombstones.remove`
                 CASE WHEN t.client_id IS NULL THEN g.client_id ELSE g.id END, g.id, g.created_at, true
            FROM head h, gone g
            LEFT JOIN nura.tombstones t ON t.conversation_id = g.conversation_id AND t.client_id = g.client_id)
        INSERT INTO nura.trims (conversation_id, user_id, seq, before_seq)
        SELECT id, user_id, last_seq, tail_seq FROM head
        RETURNING seq, before_seq
        """,
        person_id,
        conversation_id,
        before_seq,
    )
    return Trimmed(**row) if row else None
