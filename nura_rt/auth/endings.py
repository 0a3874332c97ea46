"""Which sessions have ended: known here at once for those ended here, within a second for those ended elsewhere.

PostgreSQL is asked each second, so this needs no Redis. Only what ended lately is remembered: nobody believes
a copy of a session for longer than BELIEVED_S, after that PostgreSQL says it itself.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

import asyncpg

from nura_rt.store import sessions

OnEnd = Callable[[str], None]

BELIEVED_S = 60.0  # how long a sighting counts without asking PostgreSQL again
_REMEMBERED_S = 10 * BELIEVED_S
_STILL_COMMITTING_S = 60.0  # an end is dated before it commits; more than a statement may take
_FRESH_S = 2.0


class Endings:
    """Memory of what ended, and who wants to hear of it. Callbacks get the reason; they must not raise."""

    def __init__(self, pool: asyncpg.Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._ended: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._listeners: dict[str, dict[OnEnd, None]] = {}
        self._asked_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether PostgreSQL was asked a moment ago; else an end elsewhere may be unknown here."""
        return self._asked_at is not None and self._monotonic() - self._asked_at < _FRESH_S

    @property
    def listened(self) -> list[str]:
        """The sessions somebody here listens for: those with a socket."""
        return list(self._listeners)

    def reason_of(self, session_id: str) -> str | None:
        """Why it ended, if it ended lately. No I/O."""
        known = self._ended.get(session_id)
        return known[1] if known else None

    def on_end(self, session_id: str, callback: OnEnd) -> None:
        """Calls back when the session ends. Look at `reason_of` afterwards: it may have ended just before."""
        self._listeners.setdefault(session_id, {})[callback] = None

    def off(self, session_id: str, callback: OnEnd) -> None:
        """No more."""
        callbacks = self._listeners.get(session_id, {})
        callbacks.pop(callback, None)
        if not callbacks:
            self._listeners.pop(session_id, None)

    def note(self, ended: Iterable[tuple[str, str]]) -> None:
        """These (session id, reason) ended; what is known already is heard once only."""
        now = self._monotonic()
        for session_id, reason in ended:
            if session_id in self._ended:
                continue
            self._ended[session_id] = (now, reason)
            for callback in tuple(self._listeners.get(session_id, ())):
                callback(reason)
        while self._ended and next(iter(self._ended.values()))[0] < now - _REMEMBERED_S:
            self._ended.popitem(last=False)

    async def ask(self) -> None:
        """Hears what ended since it was last heard. Raises what asyncpg raises."""
        began = self._monotonic()
        since = _REMEMBERED_S if self._asked_at is None else began - self._asked_at + _STILL_COMMITTING_S
        found = await sessions.ended_lately(self._pool, within_s=since)
        self.note((session.id, session.end_reason) for session in found)
        self._asked_at = began
