"""What PostgreSQL holds of a conversation, seen by a superuser: the only truth a test compares with."""

import asyncio
import time
from typing import NamedTuple

import asyncpg


class Line(NamedTuple):
    """One row of `messages`; `answers` is the message a reply belongs to."""

    seq: int
    role: str
    message_id: str
    client_id: str

    @property
    def answers(self) -> str | None:
        return self.client_id.removeprefix("reply:") if self.role == "assistant" else None


async def lines(admin: asyncpg.Connection, *conversations: str) -> list[Line]:
    """The rows of these conversations, each in its order."""
    rows = await admin.fetch(
        """
        SELECT seq, role, id, client_id FROM messages
         WHERE conversation_id = any($1::text[]) ORDER BY conversation_id, seq
        """,
        conversations,
    )
    return [Line(*row) for row in rows]


async def answered(admin: asyncpg.Connection, *conversations: str, within_s: float = 30.0) -> list[Line]:
    """The rows once no job of these conversations is left; raises AssertionError after `within_s`."""
    deadline = time.monotonic() + within_s
    while left := await admin.fetchval(
        """
        SELECT count(*) FROM nura.jobs
         WHERE payload ->> 'conversation_id' = any($1::text[]) AND state <> 'done'
        """,
        conversations,
    ):
        assert time.monotonic() < deadline, f"{left} replies are still missing after {within_s} s"
        await asyncio.sleep(0.05)
    return await lines(admin, *conversations)
