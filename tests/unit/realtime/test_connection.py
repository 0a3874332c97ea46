"""One socket's budget: ephemeral frames are shed, a slow client is closed, support still passes, work is serial."""

import asyncio
import json
import logging

import pytest

from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import Pong
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.payload import Payload, Tier
from servers import eventually

SOFT, HARD = 100, 1000
EPHEMERAL, DURABLE, SUPPORT = (Payload(b"{}", tier) for tier in Tier)


class Outlet:
    """Keeps what was written; `behind` is what the peer has not taken."""

    def __init__(self) -> None:
        self.written: list[Payload] = []
        self.closed: list[tuple[int, str]] = []
        self.order: list[str] = []
        self.behind = 0
        self.asked = 0

    def write(self, payload: Payload) -> None:
        self.order.append("written")
        self.written.append(payload)

    def buffered(self) -> int:
        self.asked += 1
        return self.behind

    def hang_up(self, code: int, reason: str) -> None:
        self.order.append("closed")
        self.closed.append((code, reason))


def connected() -> tuple[Connection, Outlet]:
    outlet = Outlet()
    return Connection("c1", outlet, soft_bytes=SOFT, hard_bytes=HARD), outlet


@pytest.mark.parametrize(
    ("behind", "payload", "written", "closed"),
    [
        (0, EPHEMERAL, True, False),
        (SOFT, EPHEMERAL, True, False),
        (SOFT + 1, EPHEMERAL, False, False),
        (SOFT + 1, DURABLE, True, False),
        (SOFT + 1, SUPPORT, True, False),
        (HARD, DURABLE, True, False),
        (HARD + 1, EPHEMERAL, False, False),
        (HARD + 1, DURABLE, False, True),
        (HARD + 1, SUPPORT, True, False),
    ],
)
def test_what_a_slow_client_gets(behind: int, payload: Payload, written: bool, closed: bool) -> None:
    connection, outlet = connected()
    outlet.behind = behind

    connection.send(payload)

    assert outlet.written == ([payload] if written else [])
    assert outlet.closed == ([(4408, "slow")] if closed else [])
    assert connection.closed is (Close.SLOW if closed else None)


def test_a_frame_is_said_as_its_payload() -> None:
    connection, outlet = connected()

    connection.say(Pong(1, {}))

    assert [payload.data for payload in outlet.written] == [b'{"type":"pong","t":1,"heads":{}}']


def test_it_hangs_up_once() -> None:
    connection, outlet = connected()

    connection.close(Close.BAD_TOKEN)
    connection.close(Close.SLOW)

    assert outlet.closed == [(4501, "bad_token")]


@pytest.mark.parametrize("end", ["closed", "gone"])
def test_nothing_is_sent_when_it_is_over(end: str) -> None:
    connection, outlet = connected()
    if end == "closed":
        connection.close(Close.INTERNAL)
    else:
        connection.end()

    connection.send(SUPPORT)

    assert outlet.written == []


def test_a_socket_that_is_gone_is_not_closed() -> None:
    connection, outlet = connected()
    connection.end()

    connection.close(Close.SLOW)

    assert outlet.closed == []


async def test_work_runs_in_order_and_one_at_a_time() -> None:
    connection, _ = connected()
    done: list[str] = []

    async def work(name: str) -> None:
        done.append(f"{name} begins")
        await asyncio.sleep(0)
        done.append(f"{name} ends")

    for name in ("a", "b", "c"):
        connection.later(lambda name=name: work(name))  # type: ignore[misc]
    await eventually(lambda: len(done) == 6)

    assert done == [f"{name} {part}" for name in ("a", "b", "c") for part in ("begins", "ends")]


async def test_work_added_by_work_runs_too() -> None:
    connection, _ = connected()
    done = asyncio.Event()

    async def second() -> None:
        done.set()

    async def first() -> None:
        connection.later(second)

    connection.later(first)

    await asyncio.wait_for(done.wait(), 10)


async def test_no_task_is_left_when_there_is_no_work() -> None:
    connection, _ = connected()
    before = asyncio.all_tasks()

    async def work() -> None:
        pass

    connection.later(work)
    during = asyncio.all_tasks() - before
    await eventually(lambda: not asyncio.all_tasks() - before)

    assert len(during) == 1


async def test_too_much_waiting_work_is_told_to_come_later_and_then_ends_it() -> None:
    connection, outlet = connected()
    forever = asyncio.Event()

    async def work() -> None:
        await forever.wait()

    for _ in range(300):
        connection.later(work)
    connection.end()

    (told,) = [json.loads(payload.data) for payload in outlet.written]
    assert (told["type"], told["code"]) == ("error", "too_fast")
    assert (told["temporary"], told["retry_after_ms"]) == (True, 1000)
    assert outlet.order == ["written", "closed"]
    assert outlet.closed == [(4429, "too_fast")]


async def test_work_that_fails_closes_this_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    connection, outlet = connected()

    async def work() -> None:
        raise RuntimeError("broken")

    with caplog.at_level(logging.ERROR):
        connection.later(work)
        await eventually(lambda: outlet.closed)

    ours = [line.getMessage() for line in caplog.records if line.name == Connection.__module__]
    assert outlet.closed == [(4011, "internal")]
    assert ours == ["a connection's work failed"]


async def test_the_end_stops_what_runs_and_forgets_what_waits() -> None:
    connection, _ = connected()
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        await asyncio.sleep(1)
        done.append("ended")

    connection.later(work)
    connection.later(work)
    await asyncio.sleep(0.01)
    connection.end()
    await asyncio.sleep(0.01)

    assert done == ["begun"]


async def test_a_long_replay_waits_for_the_peer() -> None:
    connection, outlet = connected()
    outlet.behind = SOFT + 1
    waiting = asyncio.create_task(connection.drained())
    await asyncio.sleep(0.02)
    stuck = not waiting.done()
    outlet.behind = SOFT
    await asyncio.wait_for(waiting, 10)

    assert stuck


async def test_a_peer_that_is_slow_for_long_is_looked_at_seldom() -> None:
    """Thousands of them come back together after an instance was killed."""
    connection, outlet = connected()
    outlet.behind = SOFT + 1

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.drained(), 0.6)

    assert outlet.asked <= 15


@pytest.mark.parametrize("end", ["closed", "gone"])
async def test_nobody_waits_for_a_peer_that_is_gone(end: str) -> None:
    connection, outlet = connected()
    outlet.behind = HARD * 2
    if end == "closed":
        connection.close(Close.SLOW)
    else:
        connection.end()

    await asyncio.wait_for(connection.drained(), 10)

    assert outlet.written == []
