"""The response cache on a real Valkey: what is kept, for whom, how long, and what a write does to it."""

import asyncio
import hashlib

import pytest
from redis.asyncio import Redis

from cached import Reader
from nura_rt.cache import etag
from nura_rt.cache.responses import ENDPOINTS, GENERATION_TTL_S, LARGEST_BODY, ResponseCache
from nura_rt.telemetry import Counters
from servers import eventually


@pytest.fixture
def ada(patient: Redis) -> Reader:
    return Reader(patient)


async def entries(eyes: Redis) -> list[str]:
    return sorted([key.decode() async for key in eyes.scan_iter("cache:*")])


async def stored(eyes: Redis, key: str) -> bytes:
    content = await eyes.get(key)
    assert isinstance(content, bytes)
    return content


async def test_a_second_read_is_spared_its_load_and_has_the_same_tag(ada: Reader) -> None:
    first = await ada.read()
    again = await ada.read()

    assert first == again == (b"ada 0", etag.of(b"ada 0"))
    assert ada.loads == 1
    assert ada.counters.snapshot() == {"cache_hits_me": 1, "cache_misses_me": 1}
    assert (ada.cache.hit_rate("me"), ada.cache.hit_rate("service_profiles")) == (0.5, None)


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_keys_are_the_specifications_and_die_with_their_endpoints_time(
    ada: Reader, eyes: Redis, name: str
) -> None:
    await ada.read(name=name)
    (key,) = await entries(eyes)
    pattern = f"cache:{ENDPOINTS[name].service}:{name}:"

    assert key.startswith(pattern)
    assert len(bytes.fromhex(key.removeprefix(pattern))) == 32
    assert 0 < await eyes.ttl(key) <= ENDPOINTS[name].ttl_s
    assert ENDPOINTS[name].ttl_s < await eyes.ttl("cache-generation:ada") <= GENERATION_TTL_S


async def test_other_people_roles_paths_queries_and_servers_load_their_own(ada: Reader) -> None:
    await ada.read()
    await ada.read(person_id="bob")
    await ada.read(role="care")
    await ada.read(path="/v1/me/settings")
    await ada.read(query=b"a=1")
    await ada.read(name="service_profiles")
    await Reader(ada.redis, version="2", loads=ada).read()

    assert ada.loads == 7


async def test_after_a_write_everything_of_that_person_and_nothing_of_others_is_loaded_anew(
    ada: Reader,
) -> None:
    await ada.read()
    await ada.read(query=b"a=1")
    await ada.read(person_id="bob")
    ada.value = 1
    await ada.cache.invalidate("ada")

    assert [(await ada.read())[0], (await ada.read(query=b"a=1"))[0]] == [b"ada 1"] * 2
    assert (await ada.read(person_id="bob"))[0] == b"bob 0"


async def test_a_write_whose_end_is_unknown_counts_as_one(ada: Reader) -> None:
    await ada.read()

    async def write() -> None:
        async with ada.cache.changing("ada"):
            ada.value = 1
            raise ConnectionResetError("while it committed")

    with pytest.raises(ConnectionResetError):
        await write()

    assert (await ada.read())[0] == b"ada 1"


async def test_a_cancelled_write_counts_as_one(ada: Reader) -> None:
    await ada.read()
    committed = asyncio.Event()

    async def write() -> None:
        async with ada.cache.changing("ada"):
            ada.value = 1
            committed.set()
            await asyncio.sleep(60)

    writing = asyncio.ensure_future(write())
    await committed.wait()
    writing.cancel()
    await asyncio.wait([writing])

    assert (await ada.read())[0] == b"ada 1"


@pytest.mark.parametrize(("size", "kept"), [(LARGEST_BODY, 1), (LARGEST_BODY + 1, 0), (0, 1)])
async def test_a_body_of_more_than_64_kib_is_answered_and_not_kept(
    ada: Reader, eyes: Redis, size: int, kept: int
) -> None:
    ada.body = b"x" * size
    answer = await ada.read()
    again = await ada.read()

    assert answer == again == (ada.body, etag.of(ada.body))
    assert len(await entries(eyes)) == kept
    assert ada.loads == 2 - kept


async def test_readers_at_the_same_time_share_one_load(ada: Reader) -> None:
    first = asyncio.ensure_future(ada.held())
    await ada.loading.wait()
    others = [asyncio.ensure_future(ada.read()) for _ in range(50)]
    (flight,) = ada.cache._flights.values()
    await eventually(lambda: len(flight.landed._waiters) == 50)  # all have looked; the load waits for `go`
    done = [other for other in others if other.done()]
    ada.go.set()
    answers = await asyncio.gather(first, *others)

    assert not done
    assert set(answers) == {(b"ada 0", etag.of(b"ada 0"))}
    assert ada.loads == 1
    assert ada.cache._flights == {}


async def test_a_reader_after_a_write_does_not_share_a_load_from_before_it(ada: Reader) -> None:
    slow = asyncio.ensure_future(ada.held())
    await ada.loading.wait()
    ada.value = 1
    await ada.cache.invalidate("ada")
    after = await ada.read()
    ada.go.set()

    assert after[0] == b"ada 1"
    assert (await slow)[0] == b"ada 0"  # it began before the write ended
    assert (await ada.read())[0] == b"ada 1"


@pytest.mark.parametrize("end", ["leaves", "fails"])
async def test_when_the_one_who_loads_leaves_or_fails_the_others_load(ada: Reader, end: str) -> None:
    slow = asyncio.ensure_future(ada.held(fail=True))
    await ada.loading.wait()
    others = [asyncio.ensure_future(ada.read()) for _ in range(3)]
    await asyncio.sleep(0.05)  # they follow by now; were they slower, they would load too
    if end == "leaves":
        slow.cancel()
    ada.go.set()
    await asyncio.wait([slow])

    assert [(await one)[0] for one in others] == [b"ada 0"] * 3
    assert ada.cache._flights == {}


async def test_what_a_load_raises_passes_and_nothing_is_kept(ada: Reader, eyes: Redis) -> None:
    ada.go.set()

    with pytest.raises(LookupError):
        await ada.held(fail=True)

    assert await entries(eyes) == []


def mask(person_id: str, content: bytes) -> bytes:
    pad = hashlib.shake_256(person_id.encode()).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, pad, strict=True))


class Sealed:
    """A seal one can see through only with the right person, or a broken one."""

    broken = False

    async def __call__(self, person_id: str, content: bytes) -> bytes:
        if self.broken:
            raise OSError("no key today")
        return mask(person_id, content)


async def test_what_is_sealed_is_not_in_redis_in_the_clear_and_comes_back(ada: Reader, eyes: Redis) -> None:
    seal = Sealed()
    ada.cache = ResponseCache(ada.redis, ada.counters, version="1", seal=seal, unseal=seal)
    ada.body = b"Ada lives in Lisbon"
    await ada.read()
    (key,) = await entries(eyes)

    assert b"Lisbon" not in await stored(eyes, key)
    assert await ada.read() == (ada.body, etag.of(ada.body))
    assert ada.loads == 1


async def test_a_seal_that_fails_costs_a_load_and_not_an_answer(ada: Reader, eyes: Redis) -> None:
    seal = Sealed()
    ada.cache = ResponseCache(ada.redis, ada.counters, version="1", seal=seal, unseal=seal)
    await ada.read()
    seal.broken = True
    unopened = await ada.read()
    await eyes.flushdb()
    unkept = await ada.read()

    assert unopened[0] == unkept[0] == b"ada 0"
    assert await entries(eyes) == []
    assert ada.counters.snapshot()["cache_errors"] == 3


@pytest.mark.parametrize("content", [b"", b"x", b"\x00" * 32 + b"not ada's", None])
async def test_an_entry_that_is_not_of_this_request_is_not_believed(
    ada: Reader, eyes: Redis, content: bytes | None
) -> None:
    await ada.read()
    (key,) = await entries(eyes)
    await ada.read(query=b"a=1")
    (other,) = set(await entries(eyes)) - {key}
    await eyes.set(key, await stored(eyes, other) if content is None else content)

    assert (await ada.read())[0] == b"ada 0"
    assert ada.loads == 3


async def test_each_read_is_one_round_trip_when_it_hits(ada: Reader, eyes: Redis) -> None:
    await ada.read()
    took = []
    for _ in range(5):
        before = (await eyes.info("stats"))["total_reads_processed"]
        await ada.read()
        took.append((await eyes.info("stats"))["total_reads_processed"] - before)

    assert min(took) <= 2  # the second question counts too, and what others ask meanwhile


def test_an_endpoint_that_is_not_in_the_table_is_a_mistake() -> None:
    reader = Reader(Redis(), counters=Counters())

    with pytest.raises(KeyError):
        asyncio.run(reader.read(name="messages"))
