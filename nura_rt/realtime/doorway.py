"""uvicorn's HTTP protocol with an end to its patience: with a request, with its head, with an answer not read.

Uses uvicorn 0.54 internals, as transport.py does. Without it half a request is waited for, and kept, for ever; so is
an answer that nobody reads. Every connection begins here; upgraded, it is transport.py's.
"""

import asyncio
import fcntl
import socket
import sys
import termios
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_WITHIN_S = 20.0
_CROWD = 500  # so many requests are awaited in peace; the next ones must not stay longer than an idle connection may
_HURRIED_S = 5.0
_HEAD_BYTES = 32 * 1024
_TAKEN_WITHIN_S = 15.0


class Crowd:
    """How many requests one server awaits."""

    def __init__(self) -> None:
        self.awaited = 0


_crowds: WeakKeyDictionary[ServerState, Crowd] = WeakKeyDictionary()


class NuraHttp(HttpToolsProtocol):
    """Pass as `uvicorn.Config(http=NuraHttp)`.

    A request is there in 20 s (in a crowd in 5 s), its head within 32 KiB; of an answer something is taken in 15 s.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._crowd = _crowds.setdefault(self.server_state, Crowd())
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._next_look: asyncio.TimerHandle | None = None
        self._untaken_before = 0

    def connection_made(self, transport: Any) -> None:
        """The first request is awaited from here on."""
        super().connection_made(transport)
        _limit_the_kernels_patience(transport.get_extra_info("socket"))
        self._await_request()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._rest()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Nothing is awaited here any more."""
        self._rest()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Parses; a head that does not end is cut."""
        super().data_received(data)
        if self._in_head and self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._stop_waiting()
                self.transport.abort()
        elif self._deadline is None and self._is_idle():
            self._await_request()  # uvicorn's own patience ended with the first octet, though it may begin no request

    def on_message_begin(self) -> None:
        """The first octets of a request; on a kept connection the next one's patience begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._await_request()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._stop_waiting()
        super().on_message_complete()

    def _is_idle(self) -> bool:
        """Whatever was asked is answered. An upgraded connection is none of uvicorn's HTTP `connections`."""
        return self in self.connections and self.cycle is not None and self.cycle.response_complete

    def _await_request(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._crowd.awaited += 1
        within_s = _WITHIN_S if self._crowd.awaited <= _CROWD else _HURRIED_S
        self._deadline = self.loop.call_later(within_s, self._give_up)

    def _give_up(self) -> None:
        self._stop_waiting()
        if self.flow.read_paused:  # it is we who do not read: an answer to the request before is under way
            self._await_request()
        else:
            self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._crowd.awaited -= 1
            self._deadline.cancel()
            self._deadline = None

    def _look_again(self) -> None:
        self._next_look = self.loop.call_later(_TAKEN_WITHIN_S, self._look)

    def _look(self) -> None:
        """An answer of which the peer took nothing since the last look is dropped, and the peer."""
        before, self._untaken_before = self._untaken_before, _untaken(self.transport)
        if before and self._untaken_before == before:
            self.transport.abort()
        else:
            self._look_again()

    def _rest(self) -> None:
        self._stop_waiting()
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None


def _limit_the_kernels_patience(raw: Any) -> None:
    """It gives up on a peer that takes nothing, dead or not; also on what we have closed, and on a WebSocket."""
    if raw.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_USER_TIMEOUT"):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(_TAKEN_WITHIN_S * 1000))


def _untaken(transport: asyncio.Transport) -> int:
    """Octets not read yet. For a slow reader the kernel takes ours a megabyte at a time, so its own count, too."""
    ours = transport.get_write_buffer_size()
    if not ours:
        return 0
    kernels = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return ours + int.from_bytes(kernels, sys.byteorder)
