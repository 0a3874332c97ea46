"""New messages change a line of the conversation list: told to the person's devices that follow it or not.

A list may be a moment late, so what happens in one conversation within a second is told once.
"""

import asyncio
import logging

import asyncpg

from nura_rt.conversation import frames
from nura_rt.protocol.server import ConversationChanged
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import conversations
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_APART_S = 1.0
_KEPT_AT_MOST = 10_000  # beyond it one is not told: a device reads its list at the next hello
_READ_AT_ONCE = 500


class Activity:
    """`note` never blocks; `tell_for_ever` reads the lines as their owners see them and tells."""

    def __init__(self, people: asyncpg.Pool, hub: Hub, counters: Counters) -> None:
        self._people = people
        self._hub = hub
        self._counters = counters
        self._noted: dict[str, str] = {}  # conversation -> whose it is
        self._wake = asyncio.Event()

    def note(self, person_id: str, conversation_id: str) -> None:
        """Something was kept there."""
        if conversation_id not in self._noted and len(self._noted) >= _KEPT_AT_MOST:
            self._counters.add("activity_dropped")
            return
        self._noted[conversation_id] = person_id
        self._wake.set()

    async def tell_for_ever(self) -> None:
        """Once a second while there is something; on a database that does not answer it waits for the next time."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_APART_S)
            self._wake.clear()
            try:
                await self.tell()
            except UNAVAILABLE:
                self._counters.add("activity_failed")
                self._wake.set()
            except Exception:  # a defect here may leave a list behind, never end the instance
                self._noted.clear()
                _log.exception("activity: not told")

    async def tell(self) -> None:
        """All that was noted until now. Raises what the database says; what was not read stays."""
        for _ in range(-(-len(self._noted) // _READ_AT_ONCE)):
            taken = [self._noted.popitem() for _ in range(min(len(self._noted), _READ_AT_ONCE))]
            try:
                rows = await conversations.seen_by_each(
                    self._people, [(person_id, conversation_id) for conversation_id, person_id in taken]
                )
            except BaseException:
                self._noted = dict(taken) | self._noted
                raise
            whose = dict(taken)
            for row in rows:
                frame = ConversationChanged(frames.conversation(row))
                self._hub.publish(channels.user(whose[row.id]), Payload.of(frame))
                await asyncio.sleep(0)  # a list can wait, hundreds of lines at once would hold up messages
