"""How an instance leaves: it says so, lets what runs come to its end, and lets its sockets go a few at a time.

Whoever does not read and whatever hangs, `run` returns within `patience_s`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection

import msgspec

from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import Draining
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.roster import Roster

_AT_ONCE = 50  # so many may come back in the same moment
# A worker takes some 800 handshakes a second. Where two instances share the load, the one that stays has its own
# clients to serve meanwhile: half of what it can is asked of it. More than 6,000 sockets mean more instances.
_BACK_PER_S = 400
_WINDOW_AT_MOST_S = 15.0
_PATIENCE_S = 20.0
_SLICE_S = 0.1
_TOLD_AT_ONCE = 500


class _Stay(msgspec.Struct, frozen=True):
    until: float
    person_id: str
    connection: Connection


class Drain:
    """Run by the first signal, hurried by the second; `begun` is what the doors ask before they let anybody in."""

    def __init__(
        self,
        roster: Roster,
        *,
        unfinished: Callable[[], Collection[str]],
        claim_no_more: Callable[[], None],
        start_no_more: Callable[[], None],
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`unfinished` says for whom something is being written or kept: their sockets stay for it."""
        self._roster = roster
        self._unfinished = unfinished
        self._claim_no_more = claim_no_more
        self._start_no_more = start_no_more
        self._patience_s = patience_s
        self._clock = clock
        self._pause = pause
        self._hurried = False
        self._told: set[str] = set()
        self._staying: list[_Stay] = []  # the first to go is the last
        self.begun = False

    def hurry(self) -> None:
        """No more waiting: whoever is still here goes now, what still runs is given back."""
        self._hurried = True

    async def run(self) -> None:
        """Returns when every socket was let go and nothing runs any more, or when the patience is over."""
        self.begun = True
        self._claim_no_more()
        ends = self._clock() + self._patience_s
        try:
            while not self._hurried and self._clock() < ends:
                await self._tell_whoever_was_not()
                unfinished = self._unfinished()
                self._let_go(unfinished)
                if not unfinished and not self._staying:
                    break
                await self._pause(_SLICE_S)
        finally:
            self._start_no_more()
            for connection in self._roster.everybody():
                connection.close(Close.DRAINING)

    async def _tell_whoever_was_not(self) -> None:
        """Mostly everybody at the first call; later only those who had not said hello by then."""
        untold = [
            (person_id, connection)
            for person_id in self._roster.people()
            for connection in self._roster.of(person_id)
            if connection.id not in self._told
        ]
        now = self._clock()
        for number, after_s in enumerate(delays(len(untold))):
            if number and number % _TOLD_AT_ONCE == 0:
                await self._pause(0)
            person_id, connection = untold[number]
            self._told.add(connection.id)
            connection.say(Draining(reconnect_after_ms=round(after_s * 1000)))
            self._staying.append(_Stay(now + after_s, person_id, connection))
        self._staying.sort(key=lambda stay: stay.until, reverse=True)

    def _let_go(self, unfinished: Collection[str]) -> None:
        """Those whose moment has come; who waits for something stays, and sees its end."""
        now, waiting = self._clock(), []
        while self._staying and self._staying[-1].until <= now:
            stay = self._staying.pop()
            if stay.person_id in unfinished:
                waiting.append(stay)
            else:
                stay.connection.close(Close.DRAINING)
        self._staying.extend(reversed(waiting))


def window_s(sockets: int) -> float:
    """Over how many seconds so many clients should come back to the others."""
    return 0.0 if sockets <= _AT_ONCE else min(sockets / _BACK_PER_S, _WINDOW_AT_MOST_S)


def delays(sockets: int) -> list[float]:
    """Seconds for each: one in every equal part of the window, at a random moment of it, in random order."""
    part = window_s(sockets) / max(sockets, 1)
    spread = [(number + random.random()) * part for number in range(sockets)]  # noqa: S311 - no secret
    random.shuffle(spread)
    return spread
