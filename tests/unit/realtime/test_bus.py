"""What the bus makes of confirmations, without a Redis: the contract over real ones is in tests/contract."""

import asyncio

import pytest

from nura_rt.cache.servers import Servers
from nura_rt.cache.slots import SINGLE, Map, Node, Range
from nura_rt.realtime import channels
from nura_rt.realtime.bus import RedisBus
from nura_rt.realtime.canary import Canary
from nura_rt.realtime.line import Line, State
from nura_rt.realtime.payload import Payload
from nura_rt.telemetry import Counters
from servers import eventually

CHANNEL = channels.conversation("c1")


class Listening:
    """A bus that believes it is connected to each master and has asked for CHANNEL."""

    def __init__(self, known: Map = SINGLE) -> None:
        self.resyncs = 0
        self.counters = Counters()
        self.bus = RedisBus(
            Servers("redis://nowhere"),
            instance="me",
            on_frame=lambda *_: None,
            on_resync=self._resync,
            counters=self.counters,
        )
        self.bus._map = known
        self.lines = [self._line(node) for node in known.nodes]
        self.bus._lines = dict(zip(known.nodes, self.lines, strict=True))
        self.bus.want(CHANNEL)
        self.lines[0]._asked.add(CHANNEL)

    def _line(self, node: Node) -> Line:
        line = self.bus._new_line(node, "canary:me-0", sharded=False)
        line.connected = True
        line.want(())
        return line

    def _resync(self) -> None:
        self.resyncs += 1

    def confirm(self) -> None:
        self.lines[0]._confirm(CHANNEL)


async def test_a_confirmation_somebody_waits_for_is_no_doubt() -> None:
    listening = Listening()
    waiting = asyncio.ensure_future(listening.bus.confirmed(CHANNEL, timeout_s=5))
    await asyncio.sleep(0)

    listening.confirm()

    assert await waiting
    assert listening.resyncs == 0


async def test_a_confirmation_after_the_wait_was_given_up_is_a_doubt() -> None:
    listening = Listening()
    assert not await listening.bus.confirmed(CHANNEL, timeout_s=0.01)

    listening.confirm()

    assert listening.resyncs == 1


async def test_a_second_confirmation_tells_of_a_moment_of_deafness() -> None:
    listening = Listening()
    listening.confirm()
    before = listening.resyncs

    listening.confirm()

    assert listening.resyncs == before + 1


async def test_what_was_confirmed_once_needs_no_wait() -> None:
    listening = Listening()
    listening.confirm()

    assert await listening.bus.confirmed(CHANNEL, timeout_s=0)


async def test_nobody_waits_for_a_redis_that_is_away() -> None:
    listening = Listening()
    listening.lines[0].connected, listening.lines[0].away = False, True

    assert not await listening.bus.confirmed(CHANNEL, timeout_s=60)


async def test_nobody_waits_for_a_slot_that_nobody_serves() -> None:
    listening = Listening()
    listening.bus._map = Map(sharded=True, ranges=(Range(0, 0, Node()),))

    assert not await listening.bus.confirmed(CHANNEL, timeout_s=60)


async def test_a_wait_that_was_given_up_leaves_nothing_behind() -> None:
    listening = Listening()

    await listening.bus.confirmed(CHANNEL, timeout_s=0.01)

    assert listening.bus._waiters == {}


async def test_what_is_said_before_anybody_serves_it_is_kept() -> None:
    listening = Listening()
    listening.bus._map = None

    for seq in (1, 3, 2):
        listening.bus.publish(CHANNEL, seq, Payload(b"{}"))

    kept = listening.bus._lobby.take_all()
    assert [(item.channel, item.seq, item.payload.data) for item in kept] == [(CHANNEL, 3, b"")]


async def test_a_bus_whose_part_failed_begins_with_new_lines_and_says_what_was_not_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus, began = Listening().bus, list[Line]()
    bus._forget_lines()
    bus.publish(CHANNEL, 7, Payload(b"unsaid"))

    async def look() -> Map:
        return SINGLE

    async def run(line: Line) -> None:
        began.append(line)
        if len(began) == 1:
            raise RuntimeError("a defect")

    monkeypatch.setattr(bus._servers, "look", look)
    monkeypatch.setattr(Line, "run_for_ever", run)
    with pytest.raises(ExceptionGroup):
        await bus.run_for_ever()
    meanwhile = (bus.state, bus.connected, bus.is_behind)
    again = asyncio.create_task(bus.run_for_ever())
    await eventually(lambda: len(began) == 2)
    found = [(item.channel, item.seq) for item in began[1].outbound.unsaid()]
    again.cancel()

    assert meanwhile == ("degraded", False, True)
    assert began[1] is not began[0]
    assert began[1]._wanted == {CHANNEL}
    assert found == [(CHANNEL, 7)]


async def test_a_frame_that_cannot_be_handed_on_is_a_doubt_and_no_end() -> None:
    listening = Listening()
    listening.bus._on_frame = None  # type: ignore[assignment]  # calling it fails

    listening.lines[0]._take(CHANNEL, b"other 1 1\n{}")

    assert listening.resyncs == 1
    assert listening.counters.snapshot()["bus_frame_failed"] == 1


@pytest.mark.parametrize(
    ("found", "connected", "state"),
    [
        (("ok", "ok"), (True, True), "ok"),
        (("ok", "ok"), (True, False), "degraded"),
        (("ok", "degraded"), (True, True), "degraded"),
        (("sick", "degraded"), (True, True), "sick"),
        (("sick", "ok"), (False, True), "sick"),
    ],
)
async def test_the_state_is_that_of_the_worst_line(
    found: tuple[State, State], connected: tuple[bool, bool], state: State
) -> None:
    two = Map(sharded=True, ranges=(Range(0, 8191, Node("a", 1)), Range(8192, 16383, Node("b", 2))))
    listening = Listening(two)
    for line, finding, is_connected in zip(listening.lines, found, connected, strict=True):
        line._finding, line.connected = finding, is_connected

    assert listening.bus.state == state
    assert listening.bus.connected == all(connected)


async def test_before_there_is_any_line_it_is_degraded() -> None:
    listening = Listening()
    listening.bus._lines = {}

    assert (listening.bus.state, listening.bus.connected, listening.bus.lag_s) == ("degraded", False, 0.0)


async def test_the_lag_is_that_of_the_latest_canary() -> None:
    now = 100.0
    listening = Listening()
    listening.lines[0].canary = Canary("canary:me-0", clock=lambda: now)
    listening.lines[0].canary.fly()
    now = 103.5

    assert listening.bus.lag_s == 3.5


async def test_one_who_waits_for_a_channel_that_begins_anew_does_not_hide_the_doubt() -> None:
    listening = Listening()
    listening.confirm()
    listening.lines[0].confirmed.clear()  # the connection was lost, and is there again
    before = listening.resyncs
    waiting = asyncio.ensure_future(listening.bus.confirmed(CHANNEL, timeout_s=5))
    await asyncio.sleep(0)

    listening.confirm()

    assert await waiting
    assert listening.resyncs == before + 1


async def test_a_channel_that_was_left_begins_without_doubt() -> None:
    listening = Listening()
    listening.confirm()
    listening.bus.drop(CHANNEL)
    listening.bus.want(CHANNEL)
    listening.lines[0].confirmed.clear()
    before = listening.resyncs
    waiting = asyncio.ensure_future(listening.bus.confirmed(CHANNEL, timeout_s=5))
    await asyncio.sleep(0)

    listening.confirm()

    assert await waiting
    assert listening.resyncs == before
