"""Table `nura.read_marks`: how far people have read. Runs as the writer, for many people at once; marks only grow."""

from collections.abc import Sequence

import msgspec

from nura_rt.store.pool import Executor


class Mark(msgspec.Struct, frozen=True):
    """A person has seen everything of a conversation up to `seq`."""

    user_id: str
    conversation_id: str
    seq: int


async def raise_to(conn: Executor, marks: Sequence[Mark]) -> list[Mark]:
    """Raises the marks, at most to each conversation's head; returns those that grew, as they stand now.

    A mark in another person's or a missing conversation drops out. `marks` names each pair once.
    """
    rows = await conn.fetch(
        """
        INSERT INTO nura.read_marks AS r (conversation_id, user_id, seq)
             SELECT c.id, c.user_id, least(m.seq, c.last_seq)
               FROM unnest($1::text[], $2::text[], $3::bigint[]) AS m (user_id, conversation_id, seq)
               JOIN conversations c ON c.id = m.conversation_id AND c.user_id = m.user_id
              WHERE least(m.seq, c.last_seq) > 0
              ORDER BY c.id -- two instances lock in the same order
        ON CONFLICT (conversation_id, user_id) DO UPDATE SET seq = excluded.seq WHERE r.seq < excluded.seq
          RETURNING r.user_id, r.conversation_id, r.seq
        """,
        [mark.user_id for mark in marks],
        [mark.conversation_id for mark in marks],
        [mark.seq for mark in marks],
    )
    return [Mark(**row) for row in rows]
