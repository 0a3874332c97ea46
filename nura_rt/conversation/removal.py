"""Takes messages away: one that a person removes, or all below a seq at once. Every device forgets them too.

A removal takes a seq of its own in the transaction that deletes, so whoever reads the order later learns of it.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from nura_rt.conversation import frames
from nura_rt.conversation.create import Written
from nura_rt.conversation.threads import NotThere
from nura_rt.protocol.server import ConversationChanged, HistoryTrimmed, MessageRemoved
from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations, tombstones, trims
from nura_rt.store.pool import UNAVAILABLE, Executor, as_person
from nura_rt.store.tombstones import Removed
from nura_rt.store.trims import Trimmed

_log = logging.getLogger(__name__)
_DEADLOCKS_AT_MOST = 3

T = TypeVar("T")


class Removal:
    """Writes as the door, in the person's name."""

    def __init__(self, where: Written) -> None:
        self._where = where

    async def remove(self, person_id: str, conversation_id: str, message_id: str) -> Removed:
        """Removes one message; again, it answers the same. Raises NotThere for another person's and a missing one."""
        removed, first = await self._removed(person_id, conversation_id, message_id)
        channel = channels.conversation(conversation_id)
        if not first:  # its telling may have been lost with an unknown outcome
            self._where.hub.announce(channel, removed.seq)
            return removed
        frame = MessageRemoved(conversation_id, removed.seq, removed.removed_seq)
        self._where.hub.publish(channel, Payload.of(frame), seq=removed.seq)
        await self._tell_change(person_id, conversation_id)
        return removed

    async def trim(self, person_id: str, conversation_id: str, before_seq: int) -> Trimmed | None:
        """Removes all messages below `before_seq` under one seq; None when there are none."""
        wanted = {"person_id": person_id, "conversation_id": conversation_id}

        async def trim(conn: Executor) -> Trimmed | None:
            return await trims.trim(conn, **wanted, before_seq=before_seq)

        try:
            trimmed = await self._held(**wanted, work=trim)
        except NotThere:
            return None
        if trimmed is not None:
            payload = Payload.of(HistoryTrimmed(conversation_id, trimmed.seq, trimmed.before_seq))
            self._where.hub.publish(channels.conversation(conversation_id), payload, seq=trimmed.seq)
            self._where.hub.publish(channels.user(person_id), payload)
            await self._tell_change(person_id, conversation_id)
        return trimmed

    async def _removed(self, person_id: str, conversation_id: str, message_id: str) -> tuple[Removed, bool]:
        """What the removal left, and whether it is new."""
        where = {"person_id": person_id, "conversation_id": conversation_id}

        async def remove(conn: Executor) -> tuple[Removed, bool]:
            if removed := await tombstones.remove(conn, **where, message_id=message_id):
                return removed, True
            if earlier := await tombstones.of(conn, **where, message_id=message_id):
                return earlier, False
            raise NotThere

        return await self._held(**where, work=remove)

    async def _held(
        self, person_id: str, conversation_id: str, work: Callable[[Executor], Awaitable[T]]
    ) -> T:
        """Does it in one transaction that holds the conversation. Raises NotThere for another's and a missing one."""
        for tries_left in reversed(range(_DEADLOCKS_AT_MOST)):
            try:
                async with as_person(self._where.door, person_id) as conn:
                    # held first: the statements after it see what a removal elsewhere has done meanwhile
                    if not await tombstones.hold(conn, person_id=person_id, conversation_id=conversation_id):
                        raise NotThere
                    return await work(conn)
            except asyncpg.DeadlockDetectedError:  # a reply to one of them began in this moment
                if not tries_left:
                    raise
        raise AssertionError("the last one has returned or raised")

    async def _tell_change(self, person_id: str, conversation_id: str) -> None:
        """Its line of the list has changed; a device that does not hear of it asks after its next hello."""
        try:
            row = await conversations.seen_by(self._where.people, person_id, conversation_id)
        except UNAVAILABLE:
            _log.warning("removal: the change could not be read, so nobody is told of it")
            return
        if row is not None:
            frame = ConversationChanged(frames.conversation(row))
            self._where.hub.publish(channels.user(person_id), Payload.of(frame))
