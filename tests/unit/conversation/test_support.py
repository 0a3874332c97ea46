"""The support card: shown from moderate on, to the person's own devices, above all limits."""

import msgspec
import pytest

from nura_rt.conversation.support import SupportCards
from nura_rt.pipeline.turn import Level
from nura_rt.protocol.server import Resource
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload, Tier


class Heard:
    """A listener and a relay that only remember."""

    def __init__(self) -> None:
        self.payloads: list[Payload] = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        self.payloads.append(payload)

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None: ...


def shown(level: Level) -> list[Payload]:
    heard = Heard()
    hub = Hub(heard, on_gap=lambda _: None)
    hub.join(channels.user("p1"), heard)
    cards = SupportCards(hub, lambda level: (f"a sentence for {level}", [Resource("A line", call="1")]))
    cards.show("p1", cards.card(conversation_id="c1", cause_id="m1", level=level))
    return heard.payloads


@pytest.mark.parametrize("level", ["moderate", "high", "critical"])
def test_a_card_is_shown_from_moderate_on(level: Level) -> None:
    (payload,) = shown(level)

    assert payload.tier is Tier.SUPPORT
    assert msgspec.json.decode(payload.data) == {
        "type": "support",
        "notice_id": "support-m1",
        "conversation_id": "c1",
        "level": level,
        "text": f"a sentence for {level}",
        "resources": [{"name": "A line", "call": "1"}],
    }


@pytest.mark.parametrize("level", ["none", "low"])
def test_no_card_is_shown_below(level: Level) -> None:
    assert shown(level) == []
