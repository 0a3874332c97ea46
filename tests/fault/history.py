"""What happened in a run, as lines: one event each, in the order in which the test process saw it.

Kept as JSON Lines beside a dump of PostgreSQL, so that any other checker can read both.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

_ALWAYS = ("t", "kind", "client", "conversation", "client_id", "seq")
_Line = TypeVar("_Line", bound=msgspec.Struct)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing seen or done. `t` is the wall clock in seconds; what a kind does not use is empty.

    own: `conversation` is `person`'s · connect, disconnect: a socket · join: asked for what follows `seq`
    invoke, ack, refuse, unknown: a send · deliver: `message_id` entered the view, over the socket or a `page`
    gap: `seq`..`to` will never come (`what`: the server's reason, or "page": REST did not have them)
    removed, trimmed: an entry of its own in the order, about `about` · remove_invoke, remove_ack: of `seq`
    skip, repeat: the server left out seqs before `seq`, or said it again, on one subscription
    unrecovered, behind: the view had to page, or to join again · foreign: a frame about somebody else
    notice, ack_notice · fault, heal: `what` · commits_cut, stopped: `about` so many, in ms · retry: a temporary error
    quiet: all that is to come has been written · end: views had their time
    """

    t: float
    kind: str
    client: str = ""
    conversation: str = ""
    client_id: str = ""
    seq: int = 0
    person: str = ""
    message_id: str = ""
    notice_id: str = ""
    to: int = 0
    about: int = 0
    what: str = ""
    again: bool = False  # ack: the server called it a duplicate
    bad: bool = False  # invoke: to be refused for good
    crisis: bool = False  # invoke: words that bring a support card


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the dump: what PostgreSQL held at the end. `t` is when it was committed (0: not told).

    message: a row · removed: the place of a removed one · tombstone: the removal's own place, about `about`
    trim: a retention's own place; all below `about` went · head: `last_seq` · notice: `acked` when (0: not)
    """

    kind: str
    conversation: str = ""
    client_id: str = ""
    seq: int = 0
    message_id: str = ""
    notice_id: str = ""
    person: str = ""
    about: int = 0
    acked: float = 0.0
    t: float = 0.0


class History:
    """Events as they come, each written to `path` at once: a run that dies leaves what it saw."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._file = path.open("wb", buffering=1 << 16)

    def add(self, kind: str, **fields: Any) -> Event:
        """Something happened now."""
        event = Event(t=time.time(), kind=kind, **fields)
        self.events.append(event)
        self._file.write(line(event))
        return event

    def count(self, kind: str) -> int:
        """How many events of this kind."""
        return sum(event.kind == kind for event in self.events)

    def close(self) -> None:
        """Nothing more will come."""
        self._file.close()


def line(struct: msgspec.Struct) -> bytes:
    """A struct as a line of JSON: the six names every line has, and what else is not empty."""
    fields = msgspec.structs.asdict(struct)
    shown = {name: value for name, value in fields.items() if value or name in _ALWAYS}
    return msgspec.json.encode(shown) + b"\n"


def write(path: Path, structs: Iterable[msgspec.Struct]) -> None:
    """The structs as JSON Lines."""
    path.write_bytes(b"".join(map(line, structs)))


def read(path: Path, kind: type[_Line]) -> list[_Line]:
    """The lines of a file, as they were written."""
    return [msgspec.json.decode(each, type=kind) for each in path.read_bytes().splitlines()]
