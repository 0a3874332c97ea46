"""Reads along what an instance says to PostgreSQL, to know when it asks for the statement that keeps turns.

Only the frontend messages Parse, Bind and Query are understood: a prepared statement is known by its name.
"""

_MARK = b"INSERT INTO messages"
_STARTUP = 4  # the first message has a length and no type


class BatchWatch:
    """`heard` is true when a whole statement that inserts messages, up to its Sync, was asked for."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False
        self._marked: set[bytes] = set()
        self._asked = False

    def heard(self, data: bytes) -> bool:
        """The next bytes of the instance; true when a batch's last byte is among them."""
        self._buffer += data
        found = False
        while (message := self._next()) is not None:
            found |= self._is_batch(*message)
        return found

    def _next(self) -> tuple[bytes, bytes] | None:
        head = 1 if self._greeted else 0
        if len(self._buffer) < head + _STARTUP:
            return None
        length = int.from_bytes(self._buffer[head : head + _STARTUP], "big")
        if len(self._buffer) < head + length:
            return None
        kind = bytes(self._buffer[:head])
        body = bytes(self._buffer[head + _STARTUP : head + length])
        del self._buffer[: head + length]
        self._greeted = True
        return kind, body

    def _is_batch(self, kind: bytes, body: bytes) -> bool:
        if kind == b"P":
            name, _, text = body.partition(b"\0")
            (self._marked.add if _MARK in text else self._marked.discard)(name)
        elif kind == b"B":
            _, statement, _ = body.split(b"\0", 2)
            self._asked = statement in self._marked
        elif kind == b"S" and self._asked:
            self._asked = False
            return True
        return False
