"""The command pool on a real Valkey: full, frozen, cut and cancelled, it says so and works again."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MaxConnectionsError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nura_rt.cache import client
from proxy import Proxy

UNREACHABLE = (RedisConnectionError, RedisTimeoutError)


@pytest.fixture
async def near(redis_url: str, eyes: Redis) -> AsyncIterator[Redis]:
    opened = client.for_commands(redis_url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def far(far_url: str, eyes: Redis) -> AsyncIterator[Redis]:
    opened = client.for_commands(far_url)
    yield opened
    await opened.aclose()


def pool_of(redis: Redis) -> BlockingConnectionPool:
    pool = redis.connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    return pool


async def hold(redis: Redis) -> list[Any]:
    """All ten connections, lent."""
    return [await pool_of(redis).get_connection() for _ in range(10)]  # type: ignore[no-untyped-call]


def in_use(redis: Redis) -> int:
    return len(pool_of(redis)._in_use_connections)


def known(redis: Redis) -> int:
    return in_use(redis) + len(pool_of(redis)._available_connections)


async def outcomes(asked: list[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_ten_are_lent_and_the_eleventh_command_waits_for_one_of_them(near: Redis) -> None:
    held = await hold(near)
    waiting = asyncio.ensure_future(near.set("a", "1"))
    await asyncio.sleep(0.05)
    waited = not waiting.done()
    await pool_of(near).release(held.pop())

    assert waited
    assert await waiting
    for one in held:
        await pool_of(near).release(one)


async def test_a_command_for_which_no_connection_comes_free_says_so_and_takes_nothing_along(
    near: Redis,
) -> None:
    held = await hold(near)
    refused = await outcomes([near.get("a") for _ in range(5)])
    during = in_use(near)
    for one in held:
        await pool_of(near).release(one)

    assert [type(one) for one in refused] == [MaxConnectionsError] * 5
    assert during == 10
    assert await outcomes([near.set(f"k{n}", n) for n in range(50)]) == [True] * 50
    assert (in_use(near), known(near)) == (0, 10)


async def test_no_redis_is_told_from_no_free_connection(far: Redis, network: Proxy) -> None:
    network.cut()

    with pytest.raises(RedisConnectionError) as error:
        await far.get("a")

    assert type(error.value) is not MaxConnectionsError


@pytest.mark.slow
async def test_a_frozen_redis_costs_each_caller_a_bounded_wait_and_the_pool_heals(
    far: Redis, network: Proxy
) -> None:
    assert await outcomes([far.set(f"k{n}", n) for n in range(10)]) == [True] * 10
    network.freeze()
    loop = asyncio.get_running_loop()
    began = loop.time()
    frozen = await outcomes([far.get("a") for _ in range(30)])
    pipe = far.pipeline(transaction=False)
    pipe.get("a")
    frozen += await outcomes([pipe.execute()])
    cost = loop.time() - began
    network.heal()

    assert {isinstance(one, UNREACHABLE) for one in frozen} == {True}
    assert cost < 10 * client.COMMAND_AT_MOST_S  # not a measurement: without bounds it would be for ever
    assert await far.set("a", "1")
    assert await outcomes([far.get("a") for _ in range(30)]) == [b"1"] * 30
    assert in_use(far) == 0
    assert known(far) <= 10


@pytest.mark.slow
async def test_a_server_that_takes_each_step_slowly_cannot_add_them_up(
    far: Redis, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the bound on the whole call this waits for a reply, a new connection and another reply."""
    await far.set("a", "1")
    network.freeze()

    with monkeypatch.context() as impatient:
        impatient.setattr(client, "COMMAND_AT_MOST_S", 0.2)
        with pytest.raises(RedisTimeoutError, match="took too long"):
            await far.get("a")

    network.heal()
    assert await far.get("a") == b"1"


async def test_a_lost_connection_is_retried_once_on_a_new_one(far: Redis, network: Proxy) -> None:
    await far.set("a", "1")
    network.cut()
    network.heal()

    assert await far.get("a") == b"1"


@pytest.mark.parametrize(
    ("opened", "times"), [(client.for_commands, 2), (client.for_caches, 1)], ids=["commands", "caches"]
)
async def test_a_command_whose_reply_was_lost_runs_again_only_outside_caches(
    opened: Callable[[str], Redis], times: int
) -> None:
    heard = list[bytes]()

    async def hang_up_after_a_command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if b"INCR" in data:
                heard.append(data)
                break
            writer.write(b"+PONG\r\n" if b"PING" in data else b"+OK\r\n" * data.count(b"*"))
        writer.close()

    server = await asyncio.start_server(hang_up_after_a_command, "127.0.0.1", 0)
    redis = opened(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        with pytest.raises(RedisConnectionError):
            await redis.incr("a")
        await redis.aclose()

    assert len(heard) == times


async def test_no_reply_reaches_another_caller_however_commands_are_cancelled(
    near: Redis, eyes: Redis
) -> None:
    await eyes.mset({f"k{n}": f"v{n}" for n in range(200)})
    dice = random.Random(7)

    async def ask(n: int) -> bool:
        async with asyncio.timeout(dice.choice((0, 0.0002, 0.001, 0.005, 5))):
            if n % 3:
                return bool(await near.get(f"k{n}") == f"v{n}".encode())
            pipe = near.pipeline(transaction=False)
            pipe.get(f"k{n}")
            pipe.get(f"k{n}")
            return bool(await pipe.execute() == [f"v{n}".encode()] * 2)

    answers = [one for _ in range(10) for one in await outcomes([ask(n) for n in range(200)])]

    assert {type(one) for one in answers} <= {bool, TimeoutError, RedisTimeoutError, MaxConnectionsError}
    assert any(answer is True for answer in answers)
    assert any(isinstance(answer, TimeoutError) for answer in answers)
    assert False not in answers
    assert in_use(near) == 0
    assert await outcomes([near.get(f"k{n}") for n in range(50)]) == [f"v{n}".encode() for n in range(50)]


async def test_closing_it_closes_its_connections(near: Redis, eyes: Redis) -> None:
    await near.client_setname("leaving")
    await near.aclose()

    for _ in range(200):
        names = [one["name"] for one in await eyes.client_list()]
        if "leaving" not in names:
            break
        await asyncio.sleep(0.01)

    assert "leaving" not in names


def test_each_wait_has_its_limit() -> None:
    """The whole call's limit hides the others; they decide how soon a retry comes."""
    pool = pool_of(client.for_commands("redis://127.0.0.1"))
    made = pool.make_connection()  # type: ignore[no-untyped-call]

    assert (pool.max_connections, pool.timeout) == (10, 1.0)
    assert (made.socket_connect_timeout, made.socket_timeout, made.retry.get_retries()) == (2.0, 1.0, 1)
    assert made.retry_on_timeout
    assert not pool.maint_notifications_enabled()  # type: ignore[no-untyped-call]


async def test_its_errors_are_of_one_family(far: Redis, network: Proxy) -> None:
    network.cut()

    (failed,) = await outcomes([far.get("a")])

    assert isinstance(failed, RedisError)
