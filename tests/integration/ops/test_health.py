"""What a load balancer is told, with a real PostgreSQL that answers, is away, is frozen and comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from databases import Database
from nura_rt.ops.health import BusState, health_routes
from nura_rt.store.pool import open_pool
from proxy import Proxy, postgres_socket, postgres_through

ANSWERS_WITHIN_S = 5  # left to itself, the pool would keep whoever asks for 7 s and more


@asynccontextmanager
async def asking(
    pool: asyncpg.Pool,
    *,
    bus: Callable[[], BusState] = lambda: "ok",
    draining: Callable[[], bool] = lambda: False,
) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = Litestar(health_routes(pool, bus, draining=draining), openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nura") as client:
        yield client


@pytest.fixture
async def link(database: Database) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_socket(database.url)) as proxy:
        yield proxy


@pytest.fixture
async def people(database: Database, link: Proxy) -> AsyncIterator[asyncpg.Pool]:
    url = postgres_through(database.url, link.port)
    opened = await open_pool(url, "nura_app", smallest=1, largest=3)
    yield opened
    opened.terminate()


async def ready(client: httpx.AsyncClient) -> tuple[int, str, str]:
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        response = await client.get("/readyz")
    said = response.json()
    return response.status_code, said["status"], said["database"]


async def test_alive_is_whoever_answers(people: asyncpg.Pool, link: Proxy) -> None:
    link.cut()
    async with asking(people) as client:
        response = await client.get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("bus", "leaving", "answer"),
    [
        ("ok", False, (200, "ok")),
        ("degraded", False, (200, "degraded")),
        ("sick", False, (503, "failed")),
        ("ok", True, (503, "draining")),
        ("sick", True, (503, "draining")),
    ],
)
async def test_ready_depends_on_the_bus_and_on_staying(
    people: asyncpg.Pool, bus: BusState, leaving: bool, answer: tuple[int, str]
) -> None:
    async with asking(people, bus=lambda: bus, draining=lambda: leaving) as client:
        response = await client.get("/readyz")

    assert (response.status_code, response.json()) == (
        answer[0],
        {"status": answer[1], "database": "ok", "bus": bus},
    )


async def test_without_postgresql_it_is_not_ready_and_ready_again_with_it(
    people: asyncpg.Pool, link: Proxy
) -> None:
    async with asking(people) as client:
        before = await ready(client)
        link.cut()
        without = [await ready(client) for _ in range(5)]
        link.heal()
        again = await ready(client)

    assert before == again == (200, "ok", "ok")
    assert set(without) == {(503, "failed", "failed")}


async def test_a_frozen_postgresql_does_not_keep_whoever_asks_waiting_nor_the_pool_for_long(
    people: asyncpg.Pool, link: Proxy
) -> None:
    async with asking(people) as client:
        before = await ready(client)
        link.freeze()
        frozen = await asyncio.gather(*(ready(client) for _ in range(6)))  # more than the pool holds
        link.heal()
        again = await ready(client)

    assert before == again == (200, "ok", "ok")
    assert set(frozen) == {(503, "failed", "failed")}


@pytest.mark.parametrize("trouble", ["cut", "freeze"])
async def test_who_leaves_says_so_also_without_postgresql(
    people: asyncpg.Pool, link: Proxy, trouble: str
) -> None:
    getattr(link, trouble)()
    async with asking(people, draining=lambda: True) as client:
        answer = await ready(client)

    assert answer == (503, "draining", "failed")
