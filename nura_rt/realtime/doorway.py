"""uvicorn's HTTP protocol with an end to its patience: a request is there in 20 s, its head within 32 KiB.

Uses uvicorn 0.54 internals, as transport.py does. Without it half a request is waited for, and kept, for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_WITHIN_S = 20.0
_HEAD_BYTES = 32 * 1024


class NuraHttp(HttpToolsProtocol):
    """Pass as `uvicorn.Config(http=NuraHttp)`."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """The first request is awaited from here on."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses; a head that does not end is cut."""
        super().data_received(data)
        if self._in_head and self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._stop_waiting()
                self.transport.abort()

    def on_message_begin(self) -> None:
        """The first octets of a request; on a kept connection the next one's patience begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._await_request()

    def on_headers_complete(self) -> None:
        """The head is there; an upgrade has nothing more to come."""
        self._in_head = False
        if self.parser.should_upgrade():
            self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._stop_waiting()
        super().on_message_complete()

    def _await_request(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._deadline = self.loop.call_later(_WITHIN_S, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
