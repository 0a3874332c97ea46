"""What a person writes outside messages (titles, descriptions, their profile) is screened here, on raw text.

The crisis event and the card's notice are kept in the transaction that keeps the words; the card is shown whatever
became of them.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from nura_rt.conversation.support import SupportCards, notice
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import CrisisResult, Level, rank
from nura_rt.protocol.server import Support
from nura_rt.store import crisis_events, notices
from nura_rt.store.crisis_events import Source
from nura_rt.store.pool import Executor


class Found(msgspec.Struct, frozen=True):
    """What screening found in each text, by where it stood."""

    crises: dict[Source, CrisisResult]

    @property
    def level(self) -> Level:
        """The highest of them."""
        return max((crisis.level for crisis in self.crises.values()), key=rank, default="none")

    @property
    def worrying(self) -> bool:
        """From moderate on: an event and a card."""
        return rank(self.level) >= rank("moderate")


class Words:
    """`screen` first, `keep` in the transaction, `show` after it."""

    def __init__(self, pipeline: Pipeline, cards: SupportCards) -> None:
        self._pipeline = pipeline
        self._cards = cards

    def screen(self, texts: Mapping[Source, str | None]) -> Found:
        """Every text there is; None and the empty one are skipped."""
        return Found({source: self._pipeline.screen(text).crisis for source, text in texts.items() if text})

    async def keep(
        self,
        conn: Executor,
        found: Found,
        *,
        person_id: str,
        conversation_id: str | None,
        cause_id: str,
        long_ago: datetime | None = None,
    ) -> bool:
        """One crisis event for each text from moderate on, and the card that `show` shows for this cause.

        False when there was nothing to keep, or this cause was kept before. `conn` acts as the door for the person, or
        as the sign-in or the import. `long_ago`: when words were written that are too old for a card.
        """
        card = self._cards.card(conversation_id=conversation_id, cause_id=cause_id, level=found.level)
        if card is None:
            return False
        if long_ago is None and not await notices.insert(
            conn, person_id=person_id, kind="support", key=card.notice_id, frame=notice(card)
        ):
            return False
        when = {} if long_ago is None else {"written_at": long_ago.isoformat()}
        for source, crisis in found.crises.items():
            if rank(crisis.level) >= rank("moderate"):
                await crisis_events.insert(
                    conn,
                    person_id=person_id,
                    conversation_id=conversation_id,
                    source=source,
                    level=crisis.level,
                    indicators=indicators(crisis) | when,
                )
        return True

    def show(
        self,
        found: Found,
        *,
        person_id: str,
        conversation_id: str | None,
        cause_id: str,
        again: bool = False,
    ) -> Support | None:
        """Shows the card on the person's devices and returns it for the answer; None below moderate.

        `again`: this cause was kept before, so it is shown only if nobody has taken note of it.
        """
        card = self._cards.card(conversation_id=conversation_id, cause_id=cause_id, level=found.level)
        if again:
            self._cards.show_again(person_id, card)
        else:
            self._cards.show(person_id, card)
        return card


def cause_of(found: Found, *whose: str) -> str:
    """One id for the same findings of the same one: words that come anew with every visit are one cause."""
    rules = {indicator.rule for crisis in found.crises.values() for indicator in crisis.indicators}
    return str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join([*whose, *sorted(rules)])))


def indicators(crisis: CrisisResult) -> dict[str, Any]:
    """What screening found, as it is stored: names, rules and versions, never words."""
    return {
        "level": crisis.level,
        "version": crisis.version,
        "indicators": [msgspec.to_builtins(indicator) for indicator in crisis.indicators],
    }


def clean(text: str | None) -> str | None:
    """Without NULs, which PostgreSQL cannot hold, and outer space; None when nothing is left."""
    return (text or "").replace("\x00", "").strip() or None
