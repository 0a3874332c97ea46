"""Opens a conversation once per client_id. Its title is a person's words, so it is screened like them."""

import asyncpg
import msgspec

from nura_rt.conversation import frames
from nura_rt.conversation.words import Words, clean
from nura_rt.protocol import server
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations
from nura_rt.store.conversations import Created
from nura_rt.store.pool import UNAVAILABLE, as_person


class Written(msgspec.Struct, frozen=True):
    """Where conversations are written and read, and who hears of it."""

    door: asyncpg.Pool
    people: asyncpg.Pool
    hub: Hub


class Opened(msgspec.Struct, frozen=True):
    """What a create came to. `conversation` is None when it was deleted before it could be read."""

    created: Created
    conversation: server.Conversation | None
    support: server.Support | None


class Creation:
    """Writes as the door, in the person's name."""

    def __init__(self, words: Words, where: Written) -> None:
        self._words = words
        self._where = where

    async def create(self, person_id: str, *, client_id: str, title: str | None) -> Created:
        """The conversation of this client_id, new or as it was made before; other devices hear of a new one."""
        return (await self.open(person_id, client_id=client_id, title=title)).created

    async def open(
        self,
        person_id: str,
        *,
        client_id: str,
        title: str | None,
        description: str | None = None,
        session_type: str = "chat",
    ) -> Opened:
        """`create`, with all there is to say of it and of the words that came along."""
        title, description = clean(title), clean(description)
        found = self._words.screen({"title": title, "description": description})
        try:
            async with as_person(self._where.door, person_id) as conn:
                created = await conversations.create(
                    conn,
                    person_id=person_id,
                    client_id=client_id,
                    title=title,
                    description=description,
                    session_type=session_type,
                    crisis_level=found.level,
                )
                if not created.duplicate:
                    await self._words.keep(
                        conn, found, person_id=person_id, conversation_id=created.id, cause_id=created.id
                    )
        except UNAVAILABLE:  # not kept, but somebody wrote these words just now
            self._words.show(found, person_id=person_id, conversation_id=None, cause_id=client_id)
            raise
        card = self._words.show(
            found,
            person_id=person_id,
            conversation_id=created.id,
            cause_id=created.id,
            again=created.duplicate,
        )
        row = await conversations.seen_by(self._where.people, person_id, created.id)
        shown = frames.conversation(row) if row else None
        if not created.duplicate and shown is not None:
            self._where.hub.publish(channels.user(person_id), Payload.of(server.ConversationChanged(shown)))
        return Opened(created, shown, card)
