"""The support card: help that is there now, shown on every device of a person whose words worried us."""

from typing import Protocol

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

    def __init__(self, hub: Hub, help_nearby: HelpNearby) -> None:
        self._hub = hub
        self._help_nearby = help_nearby

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
        if card is not None:
            self._hub.publish(channels.user(person_id), Payload.of(card, Tier.SUPPORT))
