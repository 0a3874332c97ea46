"""Leases of connections on a real Valkey: they end by themselves, and nobody holds more than the limit."""

import asyncio

import pytest
from redis.asyncio import Redis

from nura_rt.cache import script
from nura_rt.cache.leases import Change, Leased, Leases
from nura_rt.telemetry import Counters

KEY = "nura:{presence:ada}"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(script, "WITHIN_S", 60.0)


def leases(redis: Redis, *, lease_s: float = 900, at_most: int = 3) -> Leases:
    return Leases(redis, Counters(), lease_s=lease_s, at_most=at_most)


def member(joined: int, instance: str = "a") -> str:
    return f"{joined:013d}-{instance}-c{joined}"


def ada(*held: str, gone: tuple[str, ...] = ()) -> Change:
    return Change("ada", list(held), list(gone))


async def test_instances_see_each_others_and_what_is_gone_is_gone(patient: Redis, eyes: Redis) -> None:
    here, there = leases(patient), leases(patient)

    answers = [
        await here.renew([ada(member(1))]),
        await there.renew([ada(member(2, "b"))]),
        await here.renew([ada(gone=(member(1),))]),
    ]

    assert answers == [[Leased(1, [])], [Leased(2, [])], [Leased(1, [])]]
    assert await here.count("ada") == 1
    assert await here.count("ben") == 0


async def test_the_same_said_twice_is_said_once(patient: Redis, eyes: Redis) -> None:
    held = leases(patient)

    answers = [await held.renew([ada(member(1), gone=(member(7),))]) for _ in range(3)]

    assert answers == [[Leased(1, [])]] * 3


async def test_beyond_the_limit_the_oldest_go_whoever_speaks(patient: Redis, eyes: Redis) -> None:
    held = leases(patient, at_most=3)
    await held.renew([ada(member(30), member(40))])
    await held.renew([ada(member(20, "b"))])

    answers = [
        await held.renew([ada(member(50, "b"), member(60, "b"))]),
        await held.renew([ada(member(10))]),  # a latecomer that is the oldest goes itself
    ]

    assert answers == [[Leased(3, [member(20, "b"), member(30)])], [Leased(3, [member(10)])]]
    assert sorted(await eyes.zrange(KEY, 0, -1)) == [
        name.encode() for name in (member(40), member(50, "b"), member(60, "b"))
    ]


async def test_what_is_not_renewed_ends_and_the_key_with_the_last(patient: Redis, eyes: Redis) -> None:
    short, long = leases(patient, lease_s=0.2), leases(patient)
    await long.renew([ada(member(1))])
    await short.renew([ada(member(2))])
    counts = [await long.count("ada")]
    async with asyncio.timeout(30):
        while counts[-1] != 1:
            counts.append(await long.count("ada"))
    await long.renew([ada(gone=(member(1),))])

    assert await eyes.exists(KEY) == 0


async def test_a_shorter_lease_does_not_cut_the_others_short(patient: Redis, eyes: Redis) -> None:
    await leases(patient, lease_s=900).renew([ada(member(1))])
    await leases(patient, lease_s=60).renew([ada(member(2))])

    assert await eyes.pttl(KEY) > 60_000


async def test_the_key_itself_expires(patient: Redis, eyes: Redis) -> None:
    await leases(patient, lease_s=40).renew([ada(member(1))])

    assert 0 < await eyes.pttl(KEY) <= 40_000


async def test_many_people_go_in_one_pipeline_each_with_an_answer(patient: Redis, eyes: Redis) -> None:
    changes = [
        Change(str(number), [member(n) for n in range(number % 5)], [member(9)]) for number in range(500)
    ]

    answers = await leases(patient).renew(changes)

    assert answers is not None
    assert [answer and answer.count for answer in answers] == [min(3, number % 5) for number in range(500)]


async def test_without_redis_it_is_unknown() -> None:
    nobody = Redis(port=1)
    held = leases(nobody)

    assert (await held.renew([ada(member(1))]), await held.count("ada")) == (None, None)
    await nobody.aclose()
