"""A real conversation for tests of reading: filled, thinned out and trimmed by plain SQL, heard by ears."""

import json
from typing import Any

import asyncpg

from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload
from rows import make_conversation, make_person


class Ear:
    """A hub listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[int | None, dict[str, Any]]] = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        """Keeps the frame with its seq."""
        self.heard.append((seq, json.loads(payload.data)))

    @property
    def seqs(self) -> list[int | None]:
        """What was heard, by seq."""
        return [seq for seq, _ in self.heard]

    @property
    def types(self) -> list[str]:
        """What was heard, by type."""
        return [frame["type"] for _, frame in self.heard]


class Silent:
    """A relay with nobody behind it."""

    def want(self, channel: str) -> None:
        """Nobody to ask."""

    def drop(self, channel: str) -> None:
        """Nobody to ask."""

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        """Nobody to tell."""


class Stored:
    """One conversation in PostgreSQL, changed as the server's own statements would."""

    def __init__(self, root: asyncpg.Connection, person_id: str, conversation_id: str) -> None:
        self._root = root
        self.person_id = person_id
        self.id = conversation_id
        self.channel = channels.conversation(conversation_id)
        self.head = 0

    @classmethod
    async def make(cls, root: asyncpg.Connection, count: int = 0, **how: Any) -> "Stored":
        """A new person's, with so many messages."""
        person_id = await make_person(root)
        made = cls(root, person_id, await make_conversation(root, person_id))
        await made.grow(count, **how)
        return made

    async def grow(self, count: int, *, text: str = "words") -> None:
        """So many messages more."""
        await self._root.execute(
            "INSERT INTO messages (id, conversation_id, user_id, client_id, role, content, seq)"
            " SELECT gen_random_uuid(), $1, $2, 'k' || n, 'user', $5, n FROM generate_series($3::int, $4::int) n",
            self.id,
            self.person_id,
            self.head + 1,
            self.head + count,
            text,
        )
        await self._count(self.head + count)

    async def remove(self, seq: int) -> int:
        """One message less; returns the seq that the removal took."""
        await self._root.execute(
            "INSERT INTO nura.tombstones (conversation_id, user_id, seq, removed_seq, client_id, message_id,"
            " committed_at) SELECT conversation_id, user_id, $3, seq, client_id, id, created_at FROM messages"
            " WHERE conversation_id = $1 AND seq = $2",
            self.id,
            seq,
            self.head + 1,
        )
        await self._root.execute("DELETE FROM messages WHERE conversation_id = $1 AND seq = $2", self.id, seq)
        await self._count(self.head + 1)
        return self.head

    async def lose(self, seq: int) -> None:
        """What no code of ours does: a row is gone without a trace."""
        await self._root.execute("DELETE FROM messages WHERE conversation_id = $1 AND seq = $2", self.id, seq)

    async def delete(self) -> None:
        """The whole conversation is gone."""
        await self._root.execute("DELETE FROM conversations WHERE id = $1", self.id)

    async def _count(self, head: int) -> None:
        self.head = head
        await self._root.execute("UPDATE conversations SET last_seq = $2 WHERE id = $1", self.id, head)
