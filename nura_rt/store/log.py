"""The log of a conversation: messages, removals and trims in one order of seqs. Reads run as the person.

A seq between two entries that has no entry of its own was removed or trimmed: it will never come.
"""

import asyncpg
import msgspec

from nura_rt.store.messages import Message
from nura_rt.store.pool import Executor


class Entry(msgspec.Struct, frozen=True):
    """What stands at `seq`: a message, the removal of `removed_seq`, or the trim of all below `before_seq`."""

    seq: int
    message: Message | None = None
    removed_seq: int | None = None
    before_seq: int | None = None


async def after(
    conn: Executor, person_id: str, conversation_id: str, after_seq: int, *, limit: int
) -> list[Entry]:
    """The entries with seq > after_seq, ascending, at most `limit`; messages without processed_content.

    One round trip, under row level security.
    """
    rows = await conn.fetch(
        """
        SELECT seq, removed_seq, before_seq, id, role, content, client_id, author_id, created_at
          FROM nura.log_after($1, $2, $3, $4)
        """,
        person_id,
        conversation_id,
        after_seq,
        limit,
    )
    return [_entry(conversation_id, row) for row in rows]


async def tail(
    conn: Executor, person_id: str, conversation_id: str, after_seq: int, *, limit: int, bytes_at_most: int
) -> list[Entry]:
    """The newest of the entries with seq > after_seq, ascending: at most `limit`, and about `bytes_at_most` of
    content (UTF-8), but at least one where there is one. One round trip, under row level security.
    """
    rows = await conn.fetch(
        """
        SELECT seq, removed_seq, before_seq, id, role, content, client_id, author_id, created_at
          FROM nura.log_tail($1, $2, $3, $4, $5)
        """,
        person_id,
        conversation_id,
        after_seq,
        limit,
        bytes_at_most,
    )
    return [_entry(conversation_id, row) for row in rows]


def _entry(conversation_id: str, row: asyncpg.Record) -> Entry:
    if row["id"] is None:
        return Entry(row["seq"], removed_seq=row["removed_seq"], before_seq=row["before_seq"])
    message = Message(
        id=row["id"],
        conversation_id=conversation_id,
        seq=row["seq"],
        role=row["role"],
        content=row["content"],
        processed_content=None,
        client_id=row["client_id"],
        author_id=row["author_id"],
        created_at=row["created_at"],
    )
    return Entry(row["seq"], message)
