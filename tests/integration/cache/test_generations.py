"""No order of reads, writes, lost keys and lost connections shows a reader the past.

Two instances on one Valkey, one of them behind a network that can be cut, and any interleaving of their
reads (which begin, load when they are let, and end) with writes and flushes.
"""

import asyncio
import contextlib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from cached import Reader
from nura_rt.cache import client
from nura_rt.embedded.stack import Addresses
from proxy import Proxy, redis_socket

FAR, NEAR = 0, 1
WHO = st.sampled_from([FAR, NEAR])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), WHO),
        st.tuples(st.just("end"), st.integers(0, 3)),
        st.tuples(st.just("read"), WHO),
        st.tuples(st.just("write"), WHO),
        st.tuples(st.sampled_from(["flush", "cut", "heal"]), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)


class Slow:
    """A read whose load has looked at the database and waits to be let go."""

    def __init__(self, world: "World", who: int) -> None:
        self.floor = world.floors[who]
        self.loading = asyncio.Event()
        self.go = asyncio.Event()
        self.task = asyncio.ensure_future(world.get(who, self))

    async def begun(self) -> None:
        """It loads, or it hit, or it follows another."""
        looking = asyncio.ensure_future(self.loading.wait())
        await asyncio.wait([looking, self.task], timeout=0.02, return_when=asyncio.FIRST_COMPLETED)
        looking.cancel()


class World:
    """The truth is `value`; `floors` is what a read that begins now on each instance must at least see."""

    def __init__(self, eyes: Redis, network: Proxy, far: Redis, near: Redis) -> None:
        self.value = 0
        self.floors = [0, 0]
        self.untold = [0, 0]  # the last write of each instance
        self.eyes = eyes
        self.network = network
        self.instances = [Reader(far), Reader(near)]
        self.slow: list[Slow] = []

    async def get(self, who: int, slow: Slow | None = None) -> int:
        async def load() -> bytes:
            body = str(self.value).encode()
            if slow is not None:
                slow.loading.set()
                await slow.go.wait()
            return body

        body, _ = await self.instances[who].cache.get_or_load(
            "me", person_id="ada", role="authenticated", path="/v1/me", query=b"", load=load
        )
        return int(body)

    async def step(self, what: str, n: int) -> None:
        for instance in self.instances:
            instance.now += 10  # whoever was given up on may be asked again
        match what:
            case "begin":
                self.slow.append(Slow(self, n))
                await self.slow[-1].begun()
            case "end" if self.slow:
                await self.end(self.slow.pop(n % len(self.slow)))
            case "read":
                floor = self.floors[n]
                reading = asyncio.ensure_future(self.get(n))
                await asyncio.wait([reading], timeout=0.02)
                if not reading.done():  # it follows a slow one
                    await self.end_all()
                assert await reading >= floor
            case "write":
                self.value += 1
                await self.instances[n].cache.invalidate("ada")
                self.floors[n] = self.untold[n] = self.value
            case "flush":
                await self.eyes.flushdb()
            case "cut":
                self.network.cut()
            case "heal":
                self.network.heal()
        for who, instance in enumerate(self.instances):
            if instance.cache.owed == 0:  # Redis knows, so everybody does
                self.floors = [max(floor, self.untold[who]) for floor in self.floors]

    async def end(self, slow: Slow) -> None:
        slow.go.set()
        while not slow.task.done():  # it may follow another slow one
            for other in self.slow:
                other.go.set()
            await asyncio.wait([slow.task], timeout=0.02)
        assert await slow.task >= slow.floor

    async def end_all(self) -> None:
        while self.slow:
            await self.end(self.slow.pop())


async def play(stores: Addresses, url: str, steps: list[tuple[str, int]]) -> None:
    assert stores.redis_url is not None
    async with contextlib.AsyncExitStack() as stack:
        network = await stack.enter_async_context(Proxy(redis_socket(stores.redis_url)))
        far = client.for_caches(f"redis://127.0.0.1:{network.port}/9")
        near, eyes = client.for_caches(url), client.for_commands(url)
        for opened in (far, near, eyes):
            stack.push_async_callback(opened.aclose)
        await eyes.flushdb()
        world = World(eyes, network, far, near)
        for step in [*steps, ("heal", 0), ("read", FAR), ("read", NEAR)]:
            await world.step(*step)
        await world.end_all()
        for who in (FAR, NEAR):
            await world.step("read", who)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_read_sees_every_write_that_ended_before_it_began(
    stores: Addresses, redis_url: str, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(play(stores, redis_url, steps))


@pytest.mark.parametrize(
    "steps",
    [
        # who loaded before the write ends after it
        [("begin", NEAR), ("write", NEAR), ("end", 0), ("read", NEAR), ("read", FAR)],
        # ... and every key is lost in between: a generation that counts would begin again
        [("begin", NEAR), ("write", FAR), ("flush", 0), ("end", 0), ("read", NEAR), ("read", FAR)],
        [
            ("flush", 0),
            ("begin", NEAR),
            ("flush", 0),
            ("write", FAR),
            ("flush", 0),
            ("end", 0),
            ("read", FAR),
        ],
        # ... and Redis did not hear of the write
        [("begin", FAR), ("cut", 0), ("write", FAR), ("heal", 0), ("end", 0), ("read", FAR), ("read", NEAR)],
        [("read", FAR), ("cut", 0), ("write", FAR), ("heal", 0), ("read", FAR), ("read", NEAR)],
        # a reader after the write must not follow a load from before it
        [("begin", NEAR), ("write", NEAR), ("begin", NEAR), ("end", 1), ("end", 0), ("read", NEAR)],
    ],
)
def test_the_known_races_show_nobody_the_past(
    stores: Addresses, redis_url: str, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(play(stores, redis_url, steps))


@pytest.mark.slow
async def test_deleting_every_key_under_load_costs_only_speed(redis_url: str, eyes: Redis) -> None:
    people = [f"person {n}" for n in range(5)]
    truth = dict.fromkeys(people, 0)
    dice = random.Random(11)
    redis = [client.for_caches(redis_url), client.for_caches(redis_url)]
    instances = [Reader(one) for one in redis]
    stale = list[tuple[str, int, int]]()

    async def read() -> None:
        for _ in range(150):
            person = dice.choice(people)

            async def load(person: str = person) -> bytes:
                body = str(truth[person]).encode()
                await asyncio.sleep(dice.random() * 0.004)
                return body

            floor = truth_told[person]
            body, _ = await dice.choice(instances).cache.get_or_load(
                "me", person_id=person, role="authenticated", path="/v1/me", query=b"", load=load
            )
            if int(body) < floor:
                stale.append((person, floor, int(body)))

    async def write() -> None:
        for _ in range(60):
            person, instance = dice.choice(people), dice.choice(instances)
            truth[person] += 1
            now = truth[person]
            await instance.cache.invalidate(person)
            if instance.cache.owed == 0:  # a machine too busy for LOOK_S owes for a while
                truth_told[person] = max(truth_told[person], now)
            await asyncio.sleep(0.003)

    async def flush() -> None:
        while True:
            await eyes.flushdb()
            await asyncio.sleep(0.002)

    truth_told = dict.fromkeys(people, 0)
    flushing = asyncio.ensure_future(flush())
    await asyncio.gather(*(read() for _ in range(20)), write(), write())
    flushing.cancel()
    await asyncio.gather(*(read() for _ in range(5)), write())
    for one in redis:
        await one.aclose()

    assert stale == []
    assert sum(instance.counters.snapshot()["cache_hits_me"] for instance in instances) > 100
