"""How far people have read: gathered in memory, written in natural batches, told to the person's other devices.

A mark only grows, so writing one twice or late harms nobody.
"""

import asyncio
import contextlib
import logging

import asyncpg

from nura_rt.protocol.server import Read
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import read_marks
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.store.read_marks import Mark
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_KEPT_AT_MOST = (
    10_000  # marks not written yet; beyond it a new one is dropped: the next `read` brings it again
)
_WRITTEN_AT_ONCE = 500
_PAUSE_S = 0.5
_LAST_WITHIN_S = 1.0
# Somebody deleted a conversation in this moment: asked again, its mark drops out.
_MEANWHILE = (asyncpg.ForeignKeyViolationError, asyncpg.DeadlockDetectedError)


class ReadMarks:
    """`note` never blocks; `flush_for_ever` writes as the writer and tells what grew."""

    def __init__(self, writer: asyncpg.Pool, hub: Hub, counters: Counters) -> None:
        self._writer = writer
        self._hub = hub
        self._counters = counters
        self._marks: dict[tuple[str, str], int] = {}
        self._wake = asyncio.Event()

    def note(self, person_id: str, conversation_id: str, seq: int) -> None:
        """The person has read so far. Of several notes before the next write the highest counts."""
        key = (person_id, conversation_id)
        known = self._marks.get(key)
        if known is None and len(self._marks) >= _KEPT_AT_MOST:
            self._counters.add("read_marks_dropped")
            return
        self._marks[key] = max(known or 0, seq)
        self._wake.set()

    async def flush(self) -> None:
        """Writes what was noted so far and tells what grew. Raises what the database says; what is unwritten stays."""
        while self._marks:
            taken = [self._marks.popitem() for _ in range(min(len(self._marks), _WRITTEN_AT_ONCE))]
            marks = [Mark(person_id, conversation_id, seq) for (person_id, conversation_id), seq in taken]
            try:
                grown = await read_marks.raise_to(self._writer, marks)
            except BaseException:
                for mark in marks:
                    self.note(mark.user_id, mark.conversation_id, mark.seq)
                raise
            for mark in grown:
                self._hub.publish(
                    channels.user(mark.user_id), Payload.of(Read(mark.conversation_id, mark.seq))
                )

    async def flush_for_ever(self) -> None:
        """While one batch is written the next one gathers; until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except _MEANWHILE:
                self._counters.add("read_marks_again")
            except UNAVAILABLE:
                self._counters.add("read_marks_failed")
                await asyncio.sleep(_PAUSE_S)
            except Exception:  # a defect here may lose marks, never end the instance
                self._marks.clear()
                _log.exception("read marks: not written")

    async def flush_at_the_end(self) -> None:
        """The last marks of an instance that stops, if the database takes them quickly."""
        with contextlib.suppress(TimeoutError, *_MEANWHILE, *UNAVAILABLE):
            async with asyncio.timeout(_LAST_WITHIN_S):
                await self.flush()
