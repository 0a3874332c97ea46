"""A Redis that is down, frozen or forgetful costs speed: answers come, and no write is unseen here."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from cached import Reader
from nura_rt.cache import client, responses
from proxy import Proxy


@pytest.fixture
async def ada(far_url: str, eyes: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    """An instance with the network before its Redis, and a client without limits of its own."""
    monkeypatch.setattr(client, "COMMAND_AT_MOST_S", 90.0)
    redis = client.for_caches(f"{far_url}?socket_timeout=90")
    yield Reader(redis)
    await redis.aclose()


@pytest.fixture
async def elsewhere(redis_url: str, eyes: Redis) -> AsyncIterator[Reader]:
    """Another instance, with no network before its Redis."""
    redis = client.for_caches(redis_url)
    yield Reader(redis)
    await redis.aclose()


async def test_reads_go_on_without_redis_and_only_one_now_and_then_asks_for_it(
    ada: Reader, network: Proxy
) -> None:
    network.cut()
    answers = [(await ada.read())[0] for _ in range(20)]
    ada.now += 1
    answers += [(await ada.read())[0] for _ in range(20)]

    assert answers == [b"ada 0"] * 40
    assert ada.loads == 40
    assert ada.counters.snapshot() == {"cache_errors": 2, "cache_misses_me": 40}


async def test_a_frozen_redis_is_given_up_on_and_taken_up_again(
    ada: Reader, network: Proxy, patience: Callable[[float], None]
) -> None:
    await ada.read()
    network.freeze()
    patience(0.1)
    async with asyncio.timeout(30):  # each is given up on after 0.1 s, and only the first is tried
        during = [(await ada.read())[0] for _ in range(200)]
    network.heal()
    patience(20)
    ada.now += 1
    loads = ada.loads
    after = [(await ada.read())[0] for _ in range(5)]

    assert during + after == [b"ada 0"] * 205
    assert ada.loads == loads
    assert ada.counters.snapshot()["cache_errors"] == 1


async def test_a_load_as_slow_as_it_likes_does_not_count_as_redis_being_slow(
    ada: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "LOOK_S", 1.0)
    slow = asyncio.ensure_future(ada.held())
    await ada.loading.wait()
    await asyncio.sleep(2 * responses.LOOK_S)
    ada.go.set()

    assert (await slow)[0] == b"ada 0"
    assert ada.counters.snapshot().get("cache_errors", 0) == 0


async def test_a_redis_that_freezes_between_look_and_keep_costs_no_answer(
    ada: Reader, network: Proxy, patience: Callable[[float], None]
) -> None:
    slow = asyncio.ensure_future(ada.held())
    await ada.loading.wait()
    network.freeze()
    patience(0.1)
    ada.go.set()

    assert (await slow)[0] == b"ada 0"
    network.heal()


@pytest.mark.parametrize("trouble", ["cut", "freeze"])
async def test_a_write_that_redis_did_not_hear_of_is_told_before_the_next_hit(
    ada: Reader, network: Proxy, trouble: str, patience: Callable[[float], None]
) -> None:
    await ada.read()
    getattr(network, trouble)()
    patience(0.1)
    ada.value = 1
    await ada.cache.invalidate("ada")
    during, owed = (await ada.read())[0], ada.cache.owed
    network.heal()
    patience(20)
    ada.now += 1
    after = (await ada.read())[0]

    assert (during, owed, after) == (b"ada 1", 1, b"ada 1")
    assert ada.cache.owed == 0
    assert (await ada.read())[0] == b"ada 1"


async def test_writes_of_others_are_told_along_so_that_other_instances_see_them(
    ada: Reader, elsewhere: Reader, network: Proxy
) -> None:
    people = [f"person {n}" for n in range(150)]
    for person in people:
        await elsewhere.read(person_id=person)
    network.cut()
    for person in people:
        await ada.cache.invalidate(person)
    owed = [ada.cache.owed]
    network.heal()
    ada.now += 1
    await ada.read(person_id="somebody else")
    owed.append(ada.cache.owed)
    await ada.cache.settle()
    owed.append(ada.cache.owed)
    elsewhere.value = 1

    assert owed == [150, 50, 0]
    assert {(await elsewhere.read(person_id=person))[0].split()[-1] for person in people} == {b"1"}


async def test_a_write_that_fails_while_an_older_one_is_told_stays_owed(ada: Reader, network: Proxy) -> None:
    network.cut()
    await ada.cache.invalidate("ada")
    told = ada.cache._some_owed("ada")
    await ada.cache.invalidate("ada")

    ada.cache._forgive(told)

    assert ada.cache.owed == 1


async def test_more_writes_than_can_be_remembered_leave_all_that_was_kept_behind(
    ada: Reader, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "MOST_OWED", 3)
    for person in ("ada", "bob"):
        await ada.read(person_id=person)
    network.cut()
    ada.value = 1
    for person in ("ada", "bob", "cyd", "dee", "eve"):
        await ada.cache.invalidate(person)
    owed = ada.cache.owed
    network.heal()
    ada.now += 1

    assert owed <= 3
    assert [(await ada.read(person_id=person))[0] for person in ("ada", "bob")] == [b"ada 1", b"bob 1"]
    ada.value = 2  # unseen: nobody said so, and it is kept again
    assert (await ada.read())[0] == b"ada 1"


@pytest.mark.parametrize("key", ["cache-generation:ada", "cache:people:me:"])
async def test_a_key_that_holds_something_else_costs_a_load(ada: Reader, eyes: Redis, key: str) -> None:
    await ada.read()
    async for found in eyes.scan_iter(f"{key}*"):
        await eyes.delete(found)
        await eyes.rpush(found, "a list")

    assert (await ada.read())[0] == b"ada 0"
    assert ada.counters.snapshot()["cache_errors"] == 1
