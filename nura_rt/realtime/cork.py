"""A transport that is corked for one turn of the loop: whatever is written in it leaves in one send.

Everything goes through the same list (frames, pongs, closes), so the order on the wire is the order of the calls.
"""

import asyncio
import logging
from typing import Any
from weakref import WeakKeyDictionary

_log = logging.getLogger(__name__)
_AT_ONCE = 64 * 1024  # so much is not held back: the join is a copy, and the kernel may begin


class Turn:
    """The corked transports of one loop that hold something; they are uncorked by one callback, not by one each."""

    def __init__(self) -> None:
        self._dirty: list[Corked] = []

    def add(self, corked: "Corked", loop: asyncio.AbstractEventLoop) -> None:
        """Uncorks it when all that is ready now has run."""
        if not self._dirty:
            loop.call_soon(self._uncork)
        self._dirty.append(corked)

    def _uncork(self) -> None:
        dirty, self._dirty = self._dirty, []
        for corked in dirty:
            corked.queued = False
            try:
                corked.flush()
            except Exception:  # one socket's trouble is not the others'
                _log.exception("a socket could not be written to")
                corked.abort()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()


class Corked:
    """Stands before an asyncio transport; what is not named here is the transport's own."""

    __slots__ = ("_buffered", "_loop", "_pending", "_size", "_transport", "_turn", "queued")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._turn = _turns.setdefault(loop, Turn())
        self._buffered = transport.get_write_buffer_size
        self._pending: list[bytes] = []
        self._size = 0
        self.queued = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keeps it until the turn ends, or until 64 KiB wait."""
        if not data:  # uvicorn writes what there is, and often there is nothing
            return
        self._pending.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            self.flush()
        elif not self.queued:
            self.queued = True
            self._turn.add(self, self._loop)

    def flush(self) -> None:
        """Writes what waits; drops it where the transport is closing."""
        pending, self._pending, self._size = self._pending, [], 0
        if pending and not self._transport.is_closing():
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def get_write_buffer_size(self) -> int:
        """Bytes the kernel has not taken, those still corked included."""
        return self._size + self._buffered()

    def write_eof(self) -> None:
        """The end of our direction, after what was written."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Closes after what was written has left."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes now; what waits is lost."""
        self._pending, self._size = [], 0
        self._transport.abort()
