"""Who may knock: an address has its own pace and its own strangers, everybody together has a bound."""

import pytest

from nura_rt.protocol.problem import Refusal
from nura_rt.realtime import rate
from nura_rt.realtime.doorstep import Doorstep, Visit


def knock(doorstep: Doorstep, address: str, now: float = 0.0) -> Visit | tuple[int, str, int | None]:
    """The visit, or what is said instead."""
    try:
        return doorstep.enter(address, now)
    except Refusal as refusal:
        said = refusal.problem
        return said.status, said.type, said.retry_after_ms


def visits(doorstep: Doorstep, address: str, times: int, now: float = 0.0) -> list[Visit]:
    """Of so many who stay strangers, those who came in."""
    came = [knock(doorstep, address, now) for _ in range(times)]
    return [one for one in came if isinstance(one, Visit)]


def known(doorstep: Doorstep, address: str, times: int, now: float = 0.0) -> int:
    """How many came in of so many who say at once who they are."""
    came = 0
    for _ in range(times):
        for visit in visits(doorstep, address, 1, now):
            visit.over()
            came += 1
    return came


def test_an_address_may_knock_so_often_and_is_told_when_again() -> None:
    doorstep = Doorstep(per_s=2, burst=10)

    came = [known(doorstep, "192.0.2.1", 30, now) for now in (0.0, 1.0, 100.0)]

    assert came == [10, 2, 10]
    assert knock(doorstep, "192.0.2.1", 100.0) == (429, "/problems/too-fast", 501)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:0db8:0:0:9::", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("local", "local", False),  # a unix socket's peer has no address
    ],
)
def test_who_shares_a_pace(first: str, second: str, share: bool) -> None:
    doorstep = Doorstep(per_s=1, burst=1)

    came = known(doorstep, first, 1) + known(doorstep, second, 1)

    assert came == (1 if share else 2)


def test_an_address_has_few_strangers_and_each_that_speaks_or_goes_makes_room() -> None:
    doorstep = Doorstep(per_s=1000, burst=100)
    strangers = visits(doorstep, "192.0.2.1", 60)
    full = knock(doorstep, "192.0.2.1", 1.0)
    with strangers[0] as identified:
        identified.over()
        identified.over()

    assert len(strangers) == 50
    assert full == (429, "/problems/too-fast", 1000)
    assert len(visits(doorstep, "192.0.2.1", 5, 1.0)) == 1
    assert len(visits(doorstep, "192.0.2.2", 5, 1.0)) == 5


def test_all_together_have_so_many_strangers() -> None:
    doorstep = Doorstep(per_s=1000, burst=4)
    strangers = [one for number in range(50) for one in visits(doorstep, f"192.0.2.{number}", 1)]
    full = knock(doorstep, "192.0.2.200"), knock(doorstep, "local")
    for one in strangers:
        one.over()

    assert len(strangers) == 40
    assert full == ((503, "/problems/busy", 1000),) * 2
    assert len(visits(doorstep, "192.0.2.201", 2)) == 2


def test_who_is_refused_is_no_stranger_and_costs_nobody_else() -> None:
    doorstep = Doorstep(per_s=1, burst=1)
    for _ in range(100):
        known(doorstep, "192.0.2.1", 1)

    assert len(visits(doorstep, "192.0.2.2", 1)) == 1


def test_addresses_without_end_take_no_memory_without_end() -> None:
    doorstep = Doorstep(per_s=1, burst=1)

    for number in range(rate._KEYS_AT_MOST + 500):
        known(doorstep, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1)

    assert len(doorstep._knocks._buckets) == rate._KEYS_AT_MOST
    assert not doorstep._strangers
