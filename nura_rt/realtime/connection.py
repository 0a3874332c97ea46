"""One open socket on this instance: bounded sending, serial waiting, one way to close."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from nura_rt.protocol.errors import Close, Code
from nura_rt.protocol.server import Error, ServerFrame
from nura_rt.realtime.payload import Payload, Tier

_log = logging.getLogger(__name__)
_WAITING_AT_MOST = 256
_DRAIN_POLL_S = 0.005
_DRAIN_POLL_AT_MOST_S = 0.1  # thousands may be slow at once
TOO_MUCH = Payload.of(Error(Code.TOO_FAST, "not done: too much at once", True, retry_after_ms=1000))

Work = Callable[[], Awaitable[None]]


class Outlet(Protocol):
    """Where bytes leave: uvicorn's transport (`transport.py`) or plain ASGI (`asgi_outlet.py`)."""

    def write(self, payload: Payload) -> None:
        """Sends without waiting; silently nothing once closed."""

    def buffered(self) -> int:
        """Bytes written and not yet taken by the kernel."""

    def hang_up(self, code: int, reason: str) -> None:
        """Starts the closing handshake; a peer that does not read is cut within a second."""


class Connection:
    """Sends frames under a byte budget and runs what must wait, one thing at a time."""

    def __init__(self, connection_id: str, outlet: Outlet, *, soft_bytes: int, hard_bytes: int) -> None:
        self.id = connection_id
        self._outlet = outlet
        self._soft_bytes = soft_bytes
        self._hard_bytes = hard_bytes
        self._waiting: deque[Work] = deque()
        self._task: asyncio.Task[None] | None = None
        self.closed: Close | None = None
        self.gone = False

    def say(self, frame: ServerFrame, tier: Tier = Tier.DURABLE) -> None:
        """Sends one frame to this client alone."""
        self.send(Payload.of(frame, tier))

    def send(self, payload: Payload) -> None:
        """Sends, sheds (ephemeral, above the soft limit) or closes 4408 (above the hard one)."""
        if self.closed is not None or self.gone:
            return
        behind = self._outlet.buffered()
        if behind > self._soft_bytes and payload.tier is Tier.EPHEMERAL:
            return
        if behind > self._hard_bytes and payload.tier is not Tier.SUPPORT:
            self.close(Close.SLOW)
            return
        self._outlet.write(payload)

    async def drained(self) -> None:
        """Waits until the peer has taken most of what was written (a long replay goes at its pace)."""
        pause_s = _DRAIN_POLL_S
        # the transport tells its protocol, not us, when it has drained; a poll is simpler and rare
        while self._outlet.buffered() > self._soft_bytes and not self.gone and self.closed is None:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _DRAIN_POLL_AT_MOST_S)

    def close(self, code: Close) -> None:
        """Hangs up once, with the code's slug as the reason."""
        if self.closed is None and not self.gone:
            self.closed = code
            self._outlet.hang_up(code, code.slug)

    def later(self, work: Work) -> None:
        """Queues what must wait; a task exists only while something does."""
        if len(self._waiting) >= _WAITING_AT_MOST:
            self.send(TOO_MUCH)
            self.close(Close.TOO_FAST)
            return
        self._waiting.append(work)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting and not self.gone:
                await self._waiting.popleft()()
        except Exception:
            _log.exception("a connection's work failed")
            self.close(Close.INTERNAL)
        finally:
            self._task = None

    def end(self) -> None:
        """The socket is gone: stop working for it."""
        self.gone = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
