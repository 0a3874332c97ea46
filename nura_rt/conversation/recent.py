"""How serious each conversation was lately; a method question after distress weighs more than alone."""

from collections import OrderedDict

from nura_rt.pipeline.turn import Level, rank

_CONVERSATIONS_AT_MOST = 10_000


class RecentLevels:
    """The highest level heard on this instance per conversation, for the latest conversations only."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, Level] = OrderedDict()

    def of(self, conversation_id: str) -> Level:
        """`none` when nothing is known."""
        return self._levels.get(conversation_id, "none")

    def note(self, conversation_id: str, level: Level) -> None:
        """Only raises."""
        self._levels[conversation_id] = max(self.of(conversation_id), level, key=rank)
        self._levels.move_to_end(conversation_id)
        if len(self._levels) > _CONVERSATIONS_AT_MOST:
            self._levels.popitem(last=False)
