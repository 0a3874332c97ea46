"""A run as the rules of the checker read it, and what they say when one is broken."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from history import Event, Row


class Violation(msgspec.Struct, frozen=True):
    """A promise was broken: the rule's name, and what shows it."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


class Case(msgspec.Struct, frozen=True):
    """History and dump, indexed. `kept`: (conversation, client_id) -> its row; `removed`: places of removed ones."""

    history: Sequence[Event]
    dump: Sequence[Row]
    within_s: float
    kept: dict[tuple[str, str], Row]
    logs: dict[str, list[Row]]
    removed: dict[tuple[str, int], Row]
    owner: dict[str, str]
    kinds: dict[str, list[Event]]

    @classmethod
    def of(cls, history: Sequence[Event], dump: Sequence[Row], within_s: float) -> "Case":
        """Indexes once what every rule needs."""
        logs: dict[str, list[Row]] = defaultdict(list)
        kinds: dict[str, list[Event]] = defaultdict(list)
        for row in dump:
            if row.kind in ("message", "removed", "tombstone", "trim"):
                logs[row.conversation].append(row)
        for event in history:
            kinds[event.kind].append(event)
        stored = [row for row in dump if row.kind in ("message", "removed")]
        return cls(
            history=history,
            dump=dump,
            within_s=within_s,
            kept={(row.conversation, row.client_id): row for row in stored},
            logs=logs,
            removed={(row.conversation, row.seq): row for row in dump if row.kind == "removed"},
            owner={event.conversation: event.person for event in kinds["own"]},
            kinds=kinds,
        )

    def of_kind(self, kind: str) -> Sequence[Event]:
        """The events of this kind, in their order."""
        return self.kinds.get(kind, ())

    def rows(self, *kinds: str) -> Iterator[Row]:
        """The dump's lines of these kinds."""
        return (row for row in self.dump if row.kind in kinds)

    def conversations(self) -> list[str]:
        """Every conversation anybody owns or PostgreSQL has lines of."""
        return sorted({*self.owner, *self.logs})

    def log(self, conversation: str) -> list[Row]:
        """Whatever has a place in the conversation's order."""
        return self.logs.get(conversation, [])

    def trimmed_below(self, conversation: str) -> int:
        """Everything below this seq went at once."""
        return max((row.about for row in self.log(conversation) if row.kind == "trim"), default=0)

    def last_heal(self) -> float:
        """When the last fault was over; 0 when there was none."""
        return max((event.t for event in self.of_kind("heal")), default=0.0)

    def troubles(self, *kinds: str) -> list[tuple[float, float]]:
        """When faults (of these kinds) lasted: (began, over), over being infinite where it never was."""
        open_: dict[str, float] = {}
        spans = []
        for event in self.history:
            if event.kind == "fault" and event.what.startswith(kinds or ""):
                open_.setdefault(event.what, event.t)
            elif event.kind == "heal" and event.what in open_:
                spans.append((open_.pop(event.what), event.t))
        return [*spans, *((began, float("inf")) for began in open_.values())]
