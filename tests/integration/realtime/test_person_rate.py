"""One person's allowance on two instances and a real Valkey: decided at once, settled soon, paid back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cluster import server
from nura_rt.cache import client
from nura_rt.cache.rates import Rates
from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.pace import Pace
from nura_rt.realtime.rate import PersonRate
from nura_rt.telemetry import Counters
from servers import eventually

SLOW = 0.001  # a quarter of an hour for one: what the test itself lasts changes nothing
KEY = "nura:{rate:messages:ada}"


class Desk:
    """An instance's share, with a clock that only the test moves."""

    def __init__(self, redis: Redis, *, per_s: float = SLOW, burst: int = 5) -> None:
        self.now = time.monotonic()
        self.counters = Counters()
        rates = Rates(redis, self.counters, kind="messages", per_s=per_s, burst=burst)
        self.rate = PersonRate(rates, per_s=per_s, burst=burst, clock=lambda: self.now)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Its task runs, and has not ended by itself."""
        task = asyncio.ensure_future(self.rate.run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()

    def take(self, tries: int, person_id: str = "ada") -> int:
        """How many of so many tries got through."""
        return sum(self.rate.take(person_id, self.now) == 0 for _ in range(tries))


def _gave_up(desk: Desk) -> bool:
    return "rates_away" in desk.counters.snapshot()


@pytest.fixture
async def here(redis: Redis) -> Desk:
    return Desk(redis)


@pytest.fixture
async def there(redis: Redis) -> Desk:
    return Desk(redis)


async def test_two_instances_give_out_two_bursts_at_most_and_then_both_are_shut(
    here: Desk, there: Desk
) -> None:
    taken = [here.take(50) + there.take(50)]
    for _ in range(3):  # each time one comes back, while five are owed
        await asyncio.gather(here.rate.settle(), there.rate.settle())
        here.now += 1 / SLOW
        there.now += 1 / SLOW
        taken.append(here.take(50) + there.take(50))

    # who settled first could not know of the other's burst, and learns of it by its next message
    assert (taken[0], taken[1] <= 1, taken[2:]) == (10, True, [0, 0])


async def test_what_was_taken_elsewhere_shuts_this_instance_after_its_first(here: Desk, there: Desk) -> None:
    here.take(5)
    await here.rate.settle()
    first = there.take(1)
    await there.rate.settle()

    assert (first, there.take(50)) == (1, 0)
    assert there.rate.take("ada", there.now) == pytest.approx(2 / SLOW, rel=0.05)
    assert there.take(50, "ben") == 5


async def test_in_the_long_run_all_instances_together_give_out_one_allowance(redis: Redis) -> None:
    desks = [Desk(redis, per_s=1) for _ in range(3)]
    rounds, taken = 100, 0
    began, _ = await redis.time()

    for _ in range(rounds):
        for desk in desks:
            taken += desk.take(2)
            await desk.rate.settle()
            desk.now += 1
        if full_at := await redis.get(KEY):
            await redis.set(KEY, str(int(full_at) - 10**6))  # a second goes by there, too

    ended, _ = await redis.time()
    assert rounds <= taken <= rounds + 3 * 5 + (ended - began) + 1


async def test_its_task_settles_what_was_taken_without_being_asked(here: Desk, redis: Redis) -> None:
    async with here.at_work(), asyncio.timeout(60):
        for number in range(1200):
            here.take(1, f"person-{number}")
        settled = [await redis.dbsize()]
        while settled[-1] < 1200:
            settled.append(await redis.dbsize())
        here.take(3)  # after a while of nothing
        while not await redis.exists(KEY):
            pass

    assert settled[-1] == 1200


async def test_rest_and_socket_share_what_a_person_may_write(here: Desk) -> None:
    rest = Pace(per_s=1000, burst=1000, shared=here.rate)
    socket = here.take(3)
    rest.take("ada")
    rest.take("ada")

    with pytest.raises(Refusal) as refused:
        rest.take("ada")
    assert socket == 3
    assert here.take(1) == 0
    assert refused.value.problem.status == 429
    assert refused.value.problem.retry_after_ms == pytest.approx(1000 / SLOW, rel=0.05)


async def test_what_a_route_refuses_by_itself_is_not_charged_to_the_person(here: Desk) -> None:
    rest = Pace(per_s=SLOW, burst=1, shared=here.rate)
    rest.take("ada")
    for _ in range(10):
        with pytest.raises(Refusal):
            rest.take("ada")

    assert here.take(50) == 4


@pytest.mark.slow
async def test_without_redis_each_instance_counts_alone_and_on_its_return_together_again(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as valkey:
        redis = client.for_caches(valkey.url)
        here, there = Desk(redis), Desk(redis)
        async with here.at_work(), there.at_work():
            await valkey.kill()
            away = (here.take(50), there.take(50))
            for desk in (here, there):
                await eventually(partial(_gave_up, desk))
            here.now += 5 / SLOW  # full again
            there.now += 5 / SLOW
            await valkey.start()
            here.take(5)
            async with asyncio.timeout(30):
                while not await valkey.eyes.exists(KEY):
                    pass
            first = there.take(1)
            await eventually(lambda: there.rate._shut_until)
        await redis.aclose()

    assert (away, first, there.take(50)) == ((5, 5), 1, 0)
