"""Table `messages`: what was said, in the order of its conversation. Reads run as the person."""

from datetime import datetime
from typing import Literal

import msgspec

from nura_rt.store.pool import Executor

REPLY_PREFIX = "reply:"  # a reply's client_id is this and the message it answers: one reply per message


class Message(msgspec.Struct, frozen=True):
    """One stored turn."""

    id: str
    conversation_id: str
    seq: int
    role: Literal["user", "assistant", "system"]
    content: str
    processed_content: str | None
    client_id: str
    author_id: str | None
    created_at: datetime


async def list_after(
    conn: Executor, person_id: str, conversation_id: str, after_seq: int, *, limit: int
) -> list[Message]:
    """The person's messages with seq > after_seq, ascending, without processed_content.

    One round trip, under row level security.
    """
    rows = await conn.fetch(
        """
        SELECT id, conversation_id, seq, role, content, processed_content, client_id, author_id, created_at
          FROM nura.messages_after($1, $2, $3, $4)
        """,
        person_id,
        conversation_id,
        after_seq,
        limit,
    )
    return [Message(**row) for row in rows]


async def list_before(
    conn: Executor, person_id: str, conversation_id: str, before_seq: int, *, limit: int
) -> list[Message]:
    """The person's last messages with seq < before_seq, ascending. One round trip, under row level security."""
    rows = await conn.fetch(
        """
        SELECT id, conversation_id, seq, role, content, processed_content, client_id, author_id, created_at
          FROM nura.messages_before($1, $2, $3, $4)
        """,
        person_id,
        conversation_id,
        before_seq,
        limit,
    )
    return [Message(**row) for row in reversed(rows)]
