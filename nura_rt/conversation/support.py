"""The support card: help that is there now, shown on every device of a person whose words worried us.

It is a notice too: kept with the words that brought it, and sent at each hello until the person takes note.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from nura_rt.pipeline.turn import Level, rank
from nura_rt.protocol.server import Resource, Support
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier


class HelpNearby(Protocol):
    """What to show a person in need; made by the safety door, passed in by app.py."""

    def __call__(self, level: Level) -> tuple[str, list[Resource]]:
        """One sentence that takes the person seriously, and places that help now."""


class SupportCards:
    """A card from level moderate on; sent on the highest tier, so no full buffer sheds it."""

    def __init__(
        self,
        hub: Hub | None,
        help_nearby: HelpNearby,
        say_again: Callable[[str, Support], None] | None = None,
    ) -> None:
        """`say_again` (`Notices.say_again`) knows which cards were taken note of; without it each is shown anew.

        Without a hub nobody hears of a card yet: as a notice it waits for the next hello.
        """
        self._hub = hub
        self._help_nearby = help_nearby
        self._say_again = say_again or self.show

    def card(self, *, conversation_id: str | None, cause_id: str, level: Level) -> Support | None:
        """The card for this level; None below moderate.

        `cause_id`: the message, conversation or change whose words were the cause; names the card.
        """
        if rank(level) < rank("moderate"):
            return None
        text, resources = self._help_nearby(level)
        return Support(
            notice_id=f"support-{cause_id}",
            conversation_id=conversation_id,
            level=level,
            text=text,
            resources=resources,
        )

    def show(self, person_id: str, card: Support | None) -> None:
        """On every device of the person."""
        if card is not None and self._hub is not None:
            self._hub.publish(channels.user(person_id), Payload.of(card, Tier.SUPPORT))

    def show_again(self, person_id: str, card: Support | None) -> None:
        """The same words came once more: the card is shown unless the person has taken note of it."""
        if card is not None:
            self._say_again(person_id, card)


def notice(card: Support) -> dict[str, Any]:
    """The card as it is kept and sent again, with its type."""
    built: dict[str, Any] = msgspec.to_builtins(card)
    return built
