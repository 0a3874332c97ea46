"""The first frame of a socket is `welcome`, whatever else is said to the person meanwhile."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from conversations import Silent
from nura_rt.auth.endings import Endings
from nura_rt.auth.tokens import Identity
from nura_rt.chat.client import Client, Desk
from nura_rt.protocol.server import Presence, PublicLimits, Welcome
from nura_rt.realtime import channels
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.roster import Roster
from nura_rt.settings import Limits
from servers import eventually

WELCOME = Welcome("c1", "ann", "here", 20.0, PublicLimits(1, 1, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))


class Outlet:
    """Keeps the types of what was written, and the code of a close."""

    def __init__(self) -> None:
        self.said: list[str | int] = []

    def write(self, payload: Payload) -> None:
        self.said.append(json.loads(payload.data)["type"])

    def buffered(self) -> int:
        return 0

    def hang_up(self, code: int, reason: str) -> None:
        self.said.append(code)


class House:
    """One client whose instance hears the others only when `bus` is set."""

    def __init__(self, *, expires_at: float = 9e9) -> None:
        nobody: Any = None
        endings: Any = Endings(nobody)
        presence: Any = SimpleNamespace(join=lambda *_: None, leave=lambda *_: None)
        self.bus = asyncio.Event()
        self.outlet = Outlet()
        self.hub = Hub(Silent(), lambda _: None)
        desk = Desk(
            intake=nobody,
            replay=nobody,
            creation=nobody,
            hub=self.hub,
            limits=Limits(),
            sessions=endings,
            notices=SimpleNamespace(pending=self.pending),  # type: ignore[arg-type]
            reading=nobody,
            roster=Roster(),
            presence=presence,
            rate=nobody,
            heartbeat_s=20,
            heard=self.heard,
        )
        connection = Connection("c1", self.outlet, soft_bytes=100_000, hard_bytes=100_000)
        self.client = Client(desk, connection, Identity("ann", "s1", None, expires_at), nobody)

    async def heard(self, _: str) -> bool:
        return await self.bus.wait()

    async def pending(self, _: str) -> list[Payload]:
        return []

    def tell(self, payload: Payload) -> None:
        """As other parts and instances do."""
        self.hub.receive(channels.user("ann"), None, payload)


async def test_what_is_said_to_the_person_meanwhile_comes_after_the_welcome() -> None:
    house = House()
    welcoming = asyncio.ensure_future(house.client.welcome(WELCOME, []))
    await asyncio.sleep(0)

    house.tell(Payload.of(Presence("ann", 2)))
    house.bus.set()
    await welcoming
    house.tell(Payload.of(Presence("ann", 3)))
    house.client.gone()

    assert house.outlet.said == ["welcome", "presence", "presence"]


async def test_one_too_many_is_put_out_without_a_welcome() -> None:
    house = House()
    welcoming = asyncio.ensure_future(house.client.welcome(WELCOME, []))
    await asyncio.sleep(0)

    house.tell(Payload(b'{"type":"displaced","connection_id":"c1"}'))
    house.bus.set()
    await welcoming
    house.client.gone()

    assert house.outlet.said == [4507]


async def test_too_much_said_before_the_welcome_ends_the_socket() -> None:
    """It is welcomed elsewhere, and reads its state then."""
    house = House()
    welcoming = asyncio.ensure_future(house.client.welcome(WELCOME, []))
    await asyncio.sleep(0)

    for _ in range(1001):
        house.tell(Payload.of(Presence("ann", 2)))
    house.bus.set()
    await welcoming
    house.client.gone()

    assert house.outlet.said == [4408]


async def test_a_token_that_is_nearly_over_is_told_after_the_welcome() -> None:
    house = House(expires_at=0)
    welcoming = asyncio.ensure_future(house.client.welcome(WELCOME, []))
    await asyncio.sleep(0.02)

    house.bus.set()
    await welcoming
    await eventually(lambda: len(house.outlet.said) > 1)
    house.client.gone()

    assert house.outlet.said[0] == "welcome"
