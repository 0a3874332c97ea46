"""Every kind of key we keep, wherever Redis is: the specification's three patterns literally; also with few rights."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bus_places import Place
from cached import Reader
from nura_rt.cache import client, responses, sessions
from nura_rt.cache.leases import Change, Leased, Leases
from nura_rt.cache.rates import Rates
from nura_rt.cache.sessions import Copy, SessionCopies
from nura_rt.telemetry import Counters


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no missing Redis."""
    for name in ("LOOK_S", "KEEP_S", "TELL_S"):
        monkeypatch.setattr(responses, name, 20.0)
    monkeypatch.setattr(sessions, "AT_MOST_S", 20.0)


@pytest.fixture
async def redis(place: Place) -> AsyncIterator[Redis]:
    for one in place.servers:
        await one.command("FLUSHALL")
    opened = client.for_commands(place.url)
    yield opened
    await opened.aclose()


async def test_a_cached_answer_has_a_ttl(redis: Redis) -> None:
    keys = [f"cache:people:me:{number:x}" for number in range(50)]

    for key in keys:
        await redis.set(key, key, ex=30)

    assert [await redis.get(key) for key in keys] == [key.encode() for key in keys]
    assert await redis.delete(*keys) == 50


async def test_a_session_is_a_hash(redis: Redis) -> None:
    copies = SessionCopies(redis)
    kept = Copy(user_id="ada", source="local", signed_in_at=1.0, expires_at=4e9, last_seen=2.0)

    for number in range(20):
        await copies.write(f"s{number}", kept)
    await copies.end(["s0", "s1", "s2", "s3"])
    await copies.forget(["s4", "s5", "s6"])

    assert await copies.read("s7") == kept
    assert [await copies.read(f"s{number}") for number in (4, 5, 6)] == [None] * 3
    assert await redis.hgetall("session:s0") == {b"state": b"ended"}
    assert copies.reachable


async def test_memories_are_a_list(redis: Redis) -> None:
    keys = [f"user:{number}:memories" for number in range(20)]

    for key in keys:
        for item in ("first", "second", "third", "second"):
            await redis.lpush(key, item)
        await redis.lrem(key, 1, "second")
        await redis.ltrim(key, 0, 1)

    assert [await redis.lrange(key, 0, -1) for key in keys] == [[b"third", b"second"]] * 20


async def test_a_pipeline_passes_wherever_its_keys_are(redis: Redis) -> None:
    keys = [f"cache:people:me:{number:x}" for number in range(50)]
    pipe = redis.pipeline(transaction=False)
    for key in keys:
        pipe.set(key, key, ex=30)
        pipe.get(key)

    assert await pipe.execute() == [reply for key in keys for reply in (True, key.encode())]


async def test_the_response_cache_hits(redis: Redis) -> None:
    readers = [Reader(redis) for _ in range(2)]

    for person in ("ada", "bob", "eve", "joe"):
        for reader in readers:
            await reader.read(person_id=person)
    await readers[0].cache.invalidate("ada")
    await readers[1].read(person_id="ada")

    assert [reader.loads for reader in readers] == [4, 1]
    assert readers[0].cache.owed == 0


async def test_rates_and_leases_are_scripts(redis: Redis) -> None:
    counters = Counters()
    rates = Rates(redis, counters, kind="messages", per_s=0.001, burst=2)
    leases = Leases(redis, counters, lease_s=60, at_most=3)
    people = [f"person-{number}" for number in range(12)]

    taken = [[await rates.take(person) for person in people] for _ in range(2)]
    leased = await leases.renew([Change(person, ["1-a", "2-b", "3-c", "4-d"], ["0-e"]) for person in people])

    assert taken == [[0.0] * 12] * 2
    assert all([await rates.take(person) for person in people])
    assert leased == [Leased(3, ["1-a"])] * 12
    assert [await leases.count(person) for person in people] == [3] * 12
    assert counters.snapshot() == {}


async def test_doctor_may_ask_what_it_is(redis: Redis) -> None:
    assert "redis_version" in await redis.info("server")
