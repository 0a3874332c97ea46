"""One conversation as the screening of its next turn sees it."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from nura_rt.pipeline.crisis.state import TURNS, ConversationState, Heard
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.pipeline import Before
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import CrisisResult
from nura_rt.store.talks import Said

UNREAD = -1


class Saving(msgspec.Struct, frozen=True):
    """New placeholders have to be kept first; `done` hears whether they were."""

    grown: Placeholders
    done: Callable[[bool], None]


Then = Callable[[Before], Saving | None]


class Waiting(msgspec.Struct, frozen=True):
    """A turn that cannot be screened yet."""

    client_id: str
    then: Then


class Talk:
    """Every seq up to `upto` is in it. `waiting`: turns that wait for a reading, or for one before them."""

    __slots__ = (
        "asked", "in_flight", "names", "placeholders", "saving", "served", "turns", "upto", "version", "waiting",
    )  # fmt: skip

    def __init__(self) -> None:
        self.turns: dict[str, Heard] = {}  # by client_id, the newest last
        self.asked = frozenset[str]()
        self.upto = UNREAD
        self.in_flight: dict[str, Heard] = {}  # screened, and not answered by the writer yet
        self.names: KnownNames | None = None
        self.placeholders: Placeholders | None = None
        self.version = 0
        self.waiting: list[Waiting] = []
        self.saving: tuple[Saving, Waiting] | None = None
        self.served = False  # somebody reads or saves for it now

    def before(self, client_id: str) -> Before:
        """All but this turn itself: it may come again."""
        turns = self.turns | self.in_flight if self.in_flight else self.turns
        heard = tuple(turn for key, turn in turns.items() if key != client_id)
        asked = frozenset[str]() if self.in_flight.keys() - {client_id} else self.asked
        return Before(ConversationState(heard[-TURNS:], asked), self.names, self.placeholders)

    def screen(self, turn: Waiting) -> None:
        """Hands the turn on; it may come to wait for its placeholders."""
        saving = turn.then(self.before(turn.client_id))
        if saving is not None:
            self.saving = (saving, turn)

    def add(self, client_id: str, heard: Heard) -> None:
        """The person's next turn."""
        self.turns[client_id] = heard
        self.asked = frozenset()
        while len(self.turns) > TURNS:
            del self.turns[next(iter(self.turns))]

    def learn(self, head: int, said: Iterable[Said]) -> None:
        """What PostgreSQL has; what is still in flight comes after it."""
        self.turns, self.asked, self.upto = {}, frozenset(), head
        for one in said:
            if one.role == "assistant":
                self.asked = frozenset(one.found.get("asked", ()))
            elif (result := _result(one.found)) is not None:
                self.add(one.client_id, Heard.of(result))
        for client_id in self.turns.keys() & self.in_flight.keys():
            del self.in_flight[client_id]


def _result(found: dict[str, Any]) -> CrisisResult | None:
    """None for a message that was not screened by us (imported, say)."""
    try:
        return msgspec.convert(found, CrisisResult)
    except msgspec.ValidationError:
        return None
