"""Natural batching: while one batch commits the next one gathers. An answer is given only after the commit.

One writer and one connection per instance, so rows keep the order in which they were put.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch
from nura_rt.store.batch import Row
from nura_rt.store.logins import Logins
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.telemetry import Counters

_log = logging.getLogger(__name__)
_ROWS_AT_MOST = 256
_BYTES_AT_MOST = 1024 * 1024
_RACES_AT_MOST = 8
_RECONNECT_WITHIN_S = 8.0

_POISON = (
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.NotNullViolationError,
    ValueError,
    OverflowError,
)
_RACE = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Kept(msgspec.Struct, frozen=True):
    """Committed. `duplicate`: it had been before, and this is the original's answer."""

    row: Row
    message_id: str
    seq: int
    committed_at: datetime
    duplicate: bool


class Refused(msgspec.Struct, frozen=True):
    """Not kept: no such conversation of this person, a poisoned row, or no database (ask again)."""

    row: Row
    why: Literal["not_found", "invalid", "degraded"]


Outcome = Kept | Refused
OnOutcome = Callable[[Outcome], None]


class Busy(Exception):
    """The queue is full; nothing was taken."""


class _Entry:
    __slots__ = ("row", "size", "waiting")

    def __init__(self, row: Row, on_outcome: OnOutcome) -> None:
        self.row = row
        self.size = len(row.content) * 2 + 512
        self.waiting = [on_outcome]


class Writer:
    """`put` from anywhere in the loop; `run` is the one coroutine that writes."""

    def __init__(self, logins: Logins, *, queue_at_most: int, lease_s: float, counters: Counters) -> None:
        self._logins = logins
        self._queue_at_most = queue_at_most
        self._lease_s = lease_s
        self._counters = counters
        self._queue: deque[_Entry] = deque()
        self._queued: dict[tuple[str, str, str], _Entry] = {}
        self._wake = asyncio.Event()
        self._conn: asyncpg.Connection | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, row: Row, on_outcome: OnOutcome) -> None:
        """Queues a row; `on_outcome` is called once, in the order of the queue. Raises Busy when full."""
        key = (row.person_id, row.conversation_id, row.client_id)
        if (entry := self._queued.get(key)) is not None:
            entry.waiting.append(on_outcome)
            return
        if len(self._queue) >= self._queue_at_most:
            self._counters.add("writer_busy")
            raise Busy
        entry = self._queued[key] = _Entry(row, on_outcome)
        self._queue.append(entry)
        self._idle.clear()
        self._wake.set()

    @property
    def people(self) -> set[str]:
        """Whose rows have no answer yet."""
        return {person_id for person_id, _, _ in self._queued}

    async def keep(self, row: Row) -> Outcome:
        """`put`, awaited."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.put(row, lambda outcome: None if future.done() else future.set_result(outcome))
        return await future

    async def run(self) -> None:
        """Writes until cancelled; what has no answer then, queued or in flight, is refused as `degraded`."""
        try:
            while True:
                await self._wake.wait()
                while self._queue:
                    await self._write(self._next_batch())
                self._wake.clear()
                self._idle.set()
        finally:
            # of those in flight some may be kept: a retry will tell
            self._refuse(list(self._queued.values()))
            self._queue.clear()
            self._idle.set()
            await self._disconnect()

    async def drained(self, *, timeout_s: float) -> None:
        """Returns when everything put so far was answered, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("writer: still busy while stopping")

    def _next_batch(self) -> list[_Entry]:
        taken: list[_Entry] = []
        size = 0
        while self._queue and len(taken) < _ROWS_AT_MOST:
            size += self._queue[0].size
            if taken and size > _BYTES_AT_MOST:
                break
            taken.append(self._queue.popleft())
        return taken

    async def _write(self, entries: list[_Entry]) -> None:
        try:
            found = await self._keep_through_trouble([entry.row for entry in entries])
        except asyncpg.LockNotAvailableError:
            await self._write_around_locks(entries)
        except _POISON:
            await self._split(entries, "invalid")
        except (*UNAVAILABLE, *_RACE):
            await self._disconnect()
            self._refuse(entries)
        except Exception as error:
            # not the rows' fault (a read-only database, a missing grant): asking again later may do
            _log.error("writer: a batch was refused", exc_info=error)
            self._refuse(entries)
        else:
            for index, entry in enumerate(entries):
                self._answer(entry, _outcome(entry.row, found.get(index)))

    def _refuse(self, entries: list[_Entry]) -> None:
        self._counters.add("writer_degraded", len(entries))
        for entry in entries:
            self._answer(entry, Refused(entry.row, "degraded"))

    async def _write_around_locks(self, entries: list[_Entry]) -> None:
        """Somebody holds one of these conversations: its rows are refused, the others wait no longer for it.

        Where it is none of them (a person's row, say), halves are tried until what waits stands alone.
        """
        try:
            ids = [entry.row.conversation_id for entry in entries]
            held = await batch.held(await self._connected(), ids)
        except UNAVAILABLE:
            self._refuse(entries)
            return
        if not held:
            await self._split(entries, "degraded")
            return
        self._refuse([entry for entry in entries if entry.row.conversation_id in held])
        free = [entry for entry in entries if entry.row.conversation_id not in held]
        if free:
            await self._write(free)

    async def _split(self, entries: list[_Entry], why: Literal["invalid", "degraded"]) -> None:
        """One bad row harms only itself: halves are tried until it stands alone."""
        if len(entries) == 1:
            self._counters.add("writer_poisoned" if why == "invalid" else "writer_degraded")
            self._answer(entries[0], Refused(entries[0].row, why))
            return
        middle = len(entries) // 2
        await self._write(entries[:middle])
        await self._write(entries[middle:])

    async def _keep_through_trouble(self, rows: Sequence[Row]) -> dict[int, batch.Kept]:
        """Repeats are harmless (ids and client_ids are fixed), so an unknown outcome is simply tried again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RECONNECT_WITHIN_S
        races = 0
        while True:
            try:
                conn = await self._connected()
                return await batch.keep(conn, rows, levels=LEVELS, lease_s=self._lease_s)
            except (*_POISON, asyncpg.LockNotAvailableError):
                raise  # asking again would not help; asyncpg's own DataError is an InterfaceError too
            except _RACE:
                races += 1
                if races > _RACES_AT_MOST:
                    raise
            except UNAVAILABLE:
                await self._disconnect()
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def _connected(self) -> asyncpg.Connection:
        if self._conn is None or self._conn.is_closed():
            self._conn = await self._logins.connect("nura_writer")
        return self._conn

    async def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.terminate()

    def _answer(self, entry: _Entry, outcome: Outcome) -> None:
        row = entry.row
        self._queued.pop((row.person_id, row.conversation_id, row.client_id), None)
        for index, on_outcome in enumerate(entry.waiting):
            again = index > 0 and isinstance(outcome, Kept)
            try:
                on_outcome(msgspec.structs.replace(outcome, duplicate=True) if again else outcome)
            except Exception:
                _log.exception("writer: an answer could not be handed on")


def _outcome(row: Row, kept: batch.Kept | None) -> Outcome:
    if kept is None:
        return Refused(row, "not_found")
    again = kept.removed or kept.id != row.message_id  # a removed one is not told anew, even if it was ours
    return Kept(row, kept.id, kept.seq, kept.created_at, duplicate=again)
