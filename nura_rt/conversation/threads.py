"""Renames, archives and deletes conversations; every device of the person hears of it."""

import uuid

import asyncpg
import msgspec
from msgspec import UNSET

from nura_rt.conversation import frames
from nura_rt.conversation.create import Written
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.words import Words, clean
from nura_rt.protocol import server
from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations
from nura_rt.store.pool import as_person

_DEADLOCKS_AT_MOST = 3


class NotThere(Exception):
    """No such conversation of this person's."""


class Ended(Exception):
    """An ended conversation does not begin again."""


class Outdated(Exception):
    """The conversation is not what the caller had read."""


class Changed(msgspec.Struct, frozen=True):
    """A conversation after its change, and the card that the new words brought, if any."""

    conversation: server.Conversation
    support: server.Support | None


class Threads:
    """Reads as the person, writes as the door."""

    def __init__(self, words: Words, where: Written, talks: Talks) -> None:
        self._words = words
        self._where = where
        self._talks = talks

    async def find(self, person_id: str, conversation_id: str) -> server.Conversation:
        """Raises NotThere, for another person's exactly as for a missing one."""
        row = await conversations.seen_by(self._where.people, person_id, conversation_id)
        if row is None:
            raise NotThere
        return frames.conversation(row)

    async def change(
        self, person_id: str, wanted: conversations.Words, read: server.Conversation, *, strictly: bool
    ) -> Changed:
        """Writes what `wanted` sets. `strictly`: only if nothing changed since `read`, else raises Outdated.

        Raises NotThere and Ended too.
        """
        wanted = conversations.Words(
            title=UNSET if wanted.title is UNSET else clean(wanted.title),
            description=UNSET if wanted.description is UNSET else clean(wanted.description),
            status=wanted.status,
        )
        found = self._words.screen({"title": wanted.title or None, "description": wanted.description or None})
        conversation_id, cause_id = read.conversation_id, str(uuid.uuid4())
        card = self._words.show(
            found, person_id=person_id, conversation_id=conversation_id, cause_id=cause_id
        )
        async with as_person(self._where.door, person_id) as conn:
            done = await conversations.change(
                conn,
                person_id=person_id,
                conversation_id=conversation_id,
                words=wanted,
                level=found.level,
                unchanged_since=read.updated_at if strictly else None,
            )
            if done:
                await self._words.keep(
                    conn, found, person_id=person_id, conversation_id=conversation_id, cause_id=cause_id
                )
        now = await self.find(person_id, conversation_id)
        if not done:
            raise Outdated if strictly and now.updated_at != read.updated_at else Ended
        self._talks.forget(person_id, conversation_id)
        self._tell(person_id, server.ConversationChanged(now))
        return Changed(now, card)

    async def remove(self, person_id: str, conversation_id: str) -> None:
        """Deletes it with all its messages; sockets that follow it stop hearing it.

        Raises NotThere; the person's devices are told all the same: who removed it may have died before it told them.
        """
        for tries_left in reversed(range(_DEADLOCKS_AT_MOST)):
            try:
                async with as_person(self._where.door, person_id) as conn:
                    if not await conversations.remove(
                        conn, person_id=person_id, conversation_id=conversation_id
                    ):
                        self._tell(person_id, server.ConversationRemoved(conversation_id))
                        raise NotThere
                break
            except asyncpg.DeadlockDetectedError:  # a reply to it began in this moment
                if not tries_left:
                    raise
        self._tell(person_id, server.ConversationRemoved(conversation_id))

    def _tell(self, person_id: str, frame: server.ConversationChanged | server.ConversationRemoved) -> None:
        self._where.hub.publish(channels.user(person_id), Payload.of(frame))
