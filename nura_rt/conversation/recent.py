"""How serious each conversation was lately; a method question after distress weighs more than alone."""

from collections import OrderedDict

from nura_rt.pipeline.turn import Level, rank

_CONVERSATIONS_AT_MOST = 10_000


class RecentLevels:
    """The highest level heard on this instance per person and conversation, for the latest ones only.

    Asked before it is known whose conversation it is: a stranger who names it hears nothing of its owner.
    """

    def __init__(self) -> None:
        self._levels: OrderedDict[tuple[str, str], Level] = OrderedDict()

    def of(self, person_id: str, conversation_id: str) -> Level:
        """`none` when nothing is known."""
        return self._levels.get((person_id, conversation_id), "none")

    def note(self, person_id: str, conversation_id: str, level: Level) -> None:
        """Only raises."""
        key = (person_id, conversation_id)
        self._levels[key] = max(self.of(*key), level, key=rank)
        self._levels.move_to_end(key)
        if len(self._levels) > _CONVERSATIONS_AT_MOST:
            self._levels.popitem(last=False)
