"""Leaving, by a clock of our own: who is told what, who goes when, and what nobody is waited for."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import Draining, ServerFrame
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.drain import Drain, delays, window_s
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.realtime.roster import Roster

PATIENCE_S = 20.0


class Stage:
    """An instance with its clients on a clock that moves only while the drain pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.roster = Roster()
        self.busy: set[str] = set()
        self.log: list[str] = []
        self.closed: dict[str, float] = {}
        self.said: dict[str, list[bytes]] = {}
        self.later: dict[float, Callable[[], None]] = {}
        self._numbers: Iterator[int] = itertools.count()
        self.drain = Drain(
            self.roster,
            unfinished=lambda: self.busy,
            claim_no_more=lambda: self.log.append("claims no more"),
            start_no_more=lambda: self.log.append("starts no more"),
            patience_s=PATIENCE_S,
            clock=lambda: self.now,
            pause=self._pause,
        )

    def client(self, person_id: str = "ada", *, leaves: bool = True) -> Connection:
        """A connection from now on; one that does not leave stays in the roster when it was hung up on."""
        name = f"c{next(self._numbers)}"
        stage = self

        class Outlet:
            def write(self, payload: Payload) -> None:
                stage.said.setdefault(name, []).append(payload.data)

            def buffered(self) -> int:
                return 0

            def hang_up(self, code: int, reason: str) -> None:
                assert (code, reason) == (4000, "draining")
                stage.closed[name] = stage.now
                stage.log.append(f"{name} closed")
                if leaves:
                    stage.roster.remove(person_id, connection)

        connection = Connection(name, Outlet(), soft_bytes=1000, hard_bytes=1000)
        self.roster.add(person_id, connection)
        return connection

    def arrives(self, person_id: str) -> None:
        self.client(person_id)

    def at(self, moment: float, what: Callable[[], None]) -> None:
        self.later[moment] = what

    async def _pause(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(self.later):
            if moment <= self.now:
                self.later.pop(moment)()


def told(frame: ServerFrame) -> list[bytes]:
    return [Payload.of(frame, Tier.DURABLE).data]


async def test_an_instance_with_nobody_and_nothing_leaves_without_a_pause() -> None:
    stage = Stage()

    await stage.drain.run()

    assert (stage.now, stage.log) == (0, ["claims no more", "starts no more"])


async def test_a_few_clients_are_told_and_let_go_at_once() -> None:
    stage = Stage()
    for number in range(50):
        stage.client(f"person {number % 40}")

    await stage.drain.run()

    assert set(stage.closed.values()) == {0.0}
    assert len(stage.closed) == 50
    assert all(said == told(Draining(0)) for said in stage.said.values())


async def test_many_are_let_go_in_slices_each_when_it_was_told() -> None:
    stage = Stage()
    for number in range(1200):
        stage.client(f"person {number}")

    await stage.drain.run()

    announced = {name: int(said[0].split(b":")[-1].rstrip(b"}")) / 1000 for name, said in stage.said.items()}
    assert len(stage.closed) == 1200
    for name, moment in stage.closed.items():
        assert announced[name] - 0.001 <= moment <= announced[name] + 0.101
    slices = [len(list(group)) for _, group in itertools.groupby(sorted(stage.closed.values()))]
    assert 25 <= len(slices) <= 32
    assert max(slices) <= 45  # 400 a second, in tenths of a second


async def test_whose_reply_is_being_written_stays_to_its_end_and_the_others_do_not_wait() -> None:
    stage = Stage()
    stage.client("ada")
    stage.client("bob")
    stage.client("ada")
    stage.busy.add("ada")
    stage.at(7.0, stage.busy.clear)

    await stage.drain.run()

    assert stage.closed["c1"] == 0
    assert stage.closed["c0"] == stage.closed["c2"] == pytest.approx(7, abs=0.2)
    assert stage.log[-1] == "starts no more"


async def test_a_reply_that_nobody_listens_to_is_waited_for_too() -> None:
    stage = Stage()
    stage.busy.add("ada")
    stage.at(3.0, stage.busy.clear)

    await stage.drain.run()

    assert stage.now == pytest.approx(3, abs=0.2)


async def test_what_never_ends_is_waited_for_twenty_seconds_and_then_everybody_goes() -> None:
    stage = Stage()
    stage.client("ada")
    stage.busy.add("ada")

    await stage.drain.run()

    assert stage.closed["c0"] == pytest.approx(PATIENCE_S, abs=0.2)
    assert stage.log == ["claims no more", "starts no more", "c0 closed"]


async def test_a_client_that_was_let_go_and_does_not_go_is_not_waited_for() -> None:
    stage = Stage()
    stage.client("ada", leaves=False)

    await stage.drain.run()

    assert (stage.closed, stage.now) == ({"c0": 0}, 0)


async def test_the_second_signal_ends_the_waiting() -> None:
    stage = Stage()
    for number in range(4000):
        stage.client(f"person {number}")
    stage.busy.add("person 1")
    stage.at(1.0, stage.drain.hurry)

    await stage.drain.run()

    assert len(stage.closed) == 4000
    assert stage.now == pytest.approx(1, abs=0.2)
    assert stage.log.index("starts no more") < stage.log.index("c1 closed")


async def test_who_says_hello_late_is_told_and_let_go_too() -> None:
    stage = Stage()
    stage.busy.add("ada")
    stage.at(2.0, lambda: stage.arrives("late"))
    stage.at(5.0, stage.busy.clear)

    await stage.drain.run()

    assert stage.said["c0"] == told(Draining(0))
    assert stage.closed["c0"] == pytest.approx(2, abs=0.2)


async def test_each_client_is_told_once() -> None:
    stage = Stage()
    stage.client("ada")
    stage.busy.add("ada")

    await stage.drain.run()

    assert len(stage.said["c0"]) == 1


async def test_who_is_closed_already_is_not_in_the_way() -> None:
    stage = Stage()
    stage.client("ada", leaves=False).closed = Close.SLOW
    stage.client("bob").end()

    await stage.drain.run()

    assert (stage.said, stage.closed) == ({}, {})


async def test_a_defect_in_what_is_asked_still_lets_everybody_go() -> None:
    stage = Stage()
    stage.client("ada")
    stage.drain._unfinished = lambda: [][1]

    with pytest.raises(IndexError):
        await stage.drain.run()

    assert list(stage.closed) == ["c0"]


async def test_it_has_begun_before_anybody_is_told() -> None:
    stage = Stage()
    stage.busy.add("ada")
    seen = [stage.drain.begun]
    stage.at(0.1, lambda: seen.append(stage.drain.begun))

    await stage.drain.run()

    assert seen == [False, True]


@pytest.mark.parametrize(
    ("sockets", "seconds"), [(0, 0), (50, 0), (51, 0.1275), (400, 1), (6000, 15), (100_000, 15)]
)
def test_the_window_grows_with_the_open_sockets(sockets: int, seconds: float) -> None:
    assert window_s(sockets) == seconds


@given(st.integers(51, 8000))
def test_the_delays_are_spread_evenly_and_in_no_order(sockets: int) -> None:
    spread = delays(sockets)

    part = window_s(sockets) / sockets
    assert spread != sorted(spread)
    assert all(number * part <= after <= (number + 1) * part for number, after in enumerate(sorted(spread)))
