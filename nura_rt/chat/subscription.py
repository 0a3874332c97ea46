"""One connection's place in a channel: waits while it replays, then hears live, each seq once."""

from collections.abc import Callable

import msgspec

from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import ConversationRemoved, Read
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.presence import displaced_id

_WAITING_AT_MOST = 1000
# how codec.encode begins these frames; others are not decoded here
_REMOVAL = b'{"type":"conversation.removed"'
_READ = b'{"type":"read"'

OnRemoved = Callable[[str], None]


class Subscription:
    """A hub listener. Between `join` and `go_live` it keeps what it hears; then it sends what is new."""

    def __init__(
        self, connection: Connection, channel: str, heads: dict[str, int], on_removed: OnRemoved
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._heads = heads
        self._on_removed = on_removed
        self._waiting: list[tuple[int | None, Payload]] | None = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        """A frame of the channel."""
        if self._waiting is not None:
            if len(self._waiting) >= _WAITING_AT_MOST:
                self._connection.close(Close.SLOW)  # it resumes from its own last seq
                return
            self._waiting.append((seq, payload))
            return
        if seq is not None:
            if seq <= self._heads.get(self._channel, 0):
                return
            self._heads[self._channel] = seq
        self._connection.send(payload)
        if seq is None and payload.data.startswith(_REMOVAL):
            self._on_removed(_removed(payload))

    def go_live(self, head: int) -> None:
        """Up to `head` all was sent: now what was heard meanwhile, then everything as it comes."""
        self._heads[self._channel] = head
        waiting, self._waiting = self._waiting or [], None
        for seq, payload in waiting:
            self.hear(seq, payload)


class PersonalChannel:
    """A hub listener for user:{id}: no seq, everything is sent but what instances say among themselves.

    Until `go_live` it keeps what it hears: nothing precedes the welcome.
    """

    def __init__(
        self, connection: Connection, *, on_removed: OnRemoved, on_read: Callable[[str, int], None]
    ) -> None:
        """`on_removed` is told of deleted conversations, `on_read` how far one was read."""
        self._connection = connection
        self._on_removed = on_removed
        self._on_read = on_read
        self._waiting: list[Payload] | None = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        """A frame for this person."""
        data = payload.data
        if (put_out := displaced_id(data)) is not None:
            if put_out == self._connection.id:
                self._connection.close(Close.DISPLACED)
            return
        if self._waiting is not None:
            if len(self._waiting) >= _WAITING_AT_MOST:
                self._connection.close(Close.SLOW)  # elsewhere it reads its state anew
                return
            self._waiting.append(payload)
            return
        self._connection.send(payload)
        if data.startswith(_REMOVAL):
            self._on_removed(_removed(payload))
        elif data.startswith(_READ):
            read = msgspec.json.decode(data, type=Read)
            self._on_read(read.conversation_id, read.seq)

    def go_live(self) -> None:
        """The welcome was said: now what was heard meanwhile, then everything as it comes."""
        waiting, self._waiting = self._waiting or [], None
        for payload in waiting:
            self.hear(None, payload)


def _removed(payload: Payload) -> str:
    return msgspec.json.decode(payload.data, type=ConversationRemoved).conversation_id
