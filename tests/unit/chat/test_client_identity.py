"""A client's token and session: timers are real, the clock and the sessions are not, the socket is written down."""

import asyncio
import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from nura_rt.auth.endings import Endings
from nura_rt.auth.identify import Barred, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat import client as client_module
from nura_rt.chat.client import Client, Desk
from nura_rt.chat.expiry import ExpiryRule
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.realtime.roster import Roster
from nura_rt.settings import Limits
from observed import Watch
from servers import eventually

QUICK = ExpiryRule(warn_s=0.1, jitter_s=0, grace_s=0.1, refresh_every_s=0.001)


class Outlet:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: list[tuple[int, str]] = []

    def write(self, payload: Payload) -> None:
        self.frames.append(json.loads(payload.data))

    def buffered(self) -> int:
        return 0

    def hang_up(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class Relay:
    """No other instance."""

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None: ...


class House:
    """One client of Ann's, whose token ends in `left_s`; `next` is what her next token turns out to be."""

    def __init__(self, *, left_s: float = 3600, rule: ExpiryRule = QUICK, ended: str | None = None) -> None:
        nobody: Any = None
        self.endings = Endings(nobody)
        self.next: Identity | Exception = TokenError("invalid")
        if ended:
            self.endings.note([("s1", ended)])
        self.outlet = Outlet()
        sessions: Any = self.endings
        hub = Hub(Relay(), lambda _: None)
        desk = Desk(
            intake=nobody,
            replay=nobody,
            creation=nobody,
            hub=hub,
            limits=Limits(),
            sessions=sessions,
            notices=nobody,
            reading=nobody,
            roster=Roster(),
            presence=SimpleNamespace(join=lambda *_: None, leave=lambda *_: None),  # type: ignore[arg-type]
            rate=nobody,
            heartbeat_s=20,
            heard=nobody,
            expiry=rule,
        )
        self.connection = Connection("c1", self.outlet, soft_bytes=100_000, hard_bytes=100_000)
        self.began = Watch().now
        self.client = Client(desk, self.connection, self.ann(left_s=left_s), self.verify)
        self.client.begin()

    def ann(self, *, left_s: float = 3600, session_id: str = "s1") -> Identity:
        return Identity("ann", session_id, None, self.began + left_s)

    async def verify(self, _: str) -> Identity:
        await asyncio.sleep(0)
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    async def refresh(self, outcome: Identity | Exception) -> None:
        self.next = outcome
        self.client.on_text('{"type": "auth.refresh", "ref": "r1", "token": "t"}')
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What the clock on the wall says to a client."""
    watch = Watch()
    monkeypatch.setattr(client_module, "time", SimpleNamespace(time=watch, monotonic=time.monotonic))
    return watch


@pytest.fixture
def houses() -> Iterator[list[House]]:
    built: list[House] = []
    yield built
    for house in built:
        house.client.gone()


def built(houses: list[House], **how: Any) -> House:
    houses.append(House(**how))
    return houses[-1]


@pytest.mark.parametrize(
    ("reason", "closed"),
    [
        ("revoked", (4509, "revoked")),
        ("password", (4509, "revoked")),
        ("signed_out", (4509, "revoked")),
        ("deleted", (4510, "account_erased")),
    ],
)
async def test_the_end_of_its_session_ends_the_socket(
    houses: list[House], reason: str, closed: tuple[int, str]
) -> None:
    house = built(houses)

    house.endings.note([("s2", reason), ("s1", reason), ("s1", reason)])

    assert house.outlet.closed == [closed]


async def test_a_session_that_ended_before_the_socket_was_ready_ends_it_all_the_same(
    houses: list[House],
) -> None:
    house = built(houses, ended="revoked")

    assert house.outlet.closed == [(4509, "revoked")]


async def test_a_token_that_ends_is_told_of_and_then_ends_the_socket(
    houses: list[House], clock: Watch
) -> None:
    house = built(houses, left_s=0.15)

    clock.now += 0.1
    await eventually(lambda: house.outlet.frames)
    open_still = house.outlet.closed == []
    clock.now += 0.2
    await eventually(lambda: house.outlet.closed)

    assert open_still
    assert [frame["type"] for frame in house.outlet.frames] == ["auth.expiring"]
    assert house.outlet.closed == [(4401, "token_expired")]


async def test_with_less_left_it_is_told_at_once_and_not_before_what_comes_first(houses: list[House]) -> None:
    house = built(houses, left_s=0.05)
    before = list(house.outlet.frames)

    await eventually(lambda: house.outlet.frames)

    assert before == []
    assert [frame["type"] for frame in house.outlet.frames] == ["auth.expiring"]


async def test_a_newer_token_keeps_the_socket(houses: list[House], clock: Watch) -> None:
    house = built(houses, left_s=0.05)

    await house.refresh(house.ann(left_s=3600))
    clock.now += 0.3
    await asyncio.sleep(0.3)

    assert [frame["type"] for frame in house.outlet.frames] == ["auth.expiring", "auth.refreshed"]
    assert house.outlet.closed == []


async def test_a_session_that_is_sooner_over_is_told_of_sooner(houses: list[House], clock: Watch) -> None:
    house = built(houses, left_s=3600)

    await house.refresh(house.ann(left_s=0.05, session_id="s2"))
    await eventually(lambda: len(house.outlet.frames) == 2)
    clock.now += 0.3
    await eventually(lambda: house.outlet.closed)

    assert [frame["type"] for frame in house.outlet.frames] == ["auth.refreshed", "auth.expiring"]
    assert house.outlet.closed == [(4401, "token_expired")]


async def test_an_older_token_does_not(houses: list[House], clock: Watch) -> None:
    house = built(houses, left_s=0.05)

    await house.refresh(house.ann(left_s=0.01))
    clock.now += 0.3
    await eventually(lambda: house.outlet.closed)

    assert house.outlet.closed == [(4401, "token_expired")]


@pytest.mark.parametrize(
    ("outcome", "said", "closed"),
    [
        (Identity("bob", "s9", None, 9e9), None, (4505, "another_person")),
        (Barred("revoked"), None, (4509, "revoked")),
        (Barred("account_erased"), None, (4510, "account_erased")),
        (TokenError("expired"), "unauthorized", None),
        (SignInUnavailable(), "degraded", None),
        (RuntimeError("a defect"), None, (4011, "internal")),
    ],
)
async def test_what_becomes_of_a_bad_refresh(
    houses: list[House], outcome: Identity | Exception, said: str | None, closed: tuple[int, str] | None
) -> None:
    house = built(houses)

    await house.refresh(outcome)

    assert [frame.get("code") for frame in house.outlet.frames] == ([said] if said else [])
    assert house.outlet.closed == ([closed] if closed else [])


@pytest.mark.parametrize(("ended", "closed"), [("s1", []), ("s2", [(4509, "revoked")])])
async def test_after_a_refresh_the_session_of_the_new_token_counts(
    houses: list[House], ended: str, closed: list[tuple[int, str]]
) -> None:
    house = built(houses)
    await house.refresh(house.ann(session_id="s2"))

    house.endings.note([(ended, "revoked")])

    assert house.outlet.closed == closed


async def test_a_new_session_that_ended_while_it_was_verified_ends_the_socket(houses: list[House]) -> None:
    house = built(houses)
    house.endings.note([("s2", "revoked")])

    await house.refresh(house.ann(session_id="s2"))

    assert house.outlet.closed == [(4509, "revoked")]


async def test_a_socket_that_is_gone_is_forgotten(houses: list[House], clock: Watch) -> None:
    house = built(houses, left_s=0.05)

    house.client.gone()
    clock.now += 0.3
    await asyncio.sleep(0.3)

    assert (house.endings.listened, house.outlet.frames, house.outlet.closed) == ([], [], [])
    assert house.client._alarm is not None
    assert house.client._alarm.cancelled()


async def test_a_socket_that_goes_while_a_token_is_verified_is_forgotten(houses: list[House]) -> None:
    house = built(houses)
    house.next = house.ann(session_id="s2")
    house.client.on_text('{"type": "auth.refresh", "token": "t"}')

    house.client.gone()
    await asyncio.sleep(0.05)

    assert (house.endings.listened, house.outlet.frames) == ([], [])
