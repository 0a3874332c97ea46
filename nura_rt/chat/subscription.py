"""One connection's place in a conversation: waits while it replays, then hears live, each seq once."""

from collections.abc import Callable

import msgspec

from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import ConversationRemoved
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.payload import Payload

_WAITING_AT_MOST = 1000
_REMOVAL = (
    b'{"type":"conversation.removed"'  # how codec.encode begins that frame; others are not decoded here
)


class Subscription:
    """A hub listener. Between `join` and `go_live` it keeps what it hears; then it sends what is new."""

    def __init__(self, connection: Connection, channel: str, heads: dict[str, int]) -> None:
        self._connection = connection
        self._channel = channel
        self._heads = heads
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

    def go_live(self, head: int) -> None:
        """Up to `head` all was sent: now what was heard meanwhile, then everything as it comes."""
        self._heads[self._channel] = head
        waiting, self._waiting = self._waiting or [], None
        for seq, payload in waiting:
            self.hear(seq, payload)


class PersonalChannel:
    """A hub listener for user:{id}: no seq, everything is sent. `on_removed` is told of deleted conversations."""

    def __init__(self, connection: Connection, on_removed: Callable[[str], None]) -> None:
        self._connection = connection
        self._on_removed = on_removed

    def hear(self, seq: int | None, payload: Payload) -> None:
        """A frame for this person."""
        self._connection.send(payload)
        if payload.data.startswith(_REMOVAL):
            self._on_removed(msgspec.json.decode(payload.data, type=ConversationRemoved).conversation_id)
