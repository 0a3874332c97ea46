"""GET /livez and /readyz. Ready means PostgreSQL answers; without Redis we are degraded but serve."""

import asyncio
from collections.abc import Callable

import asyncpg
import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from nura_rt.store.pool import UNAVAILABLE

_WITHIN_S = 2.0


class Health(msgspec.Struct, frozen=True):
    """One word for the whole and one for each part: ok, degraded or failed."""

    status: str
    database: str
    bus: str


def health_routes(people: asyncpg.Pool, bus_connected: Callable[[], bool]) -> list[HTTPRouteHandler]:
    """The routes a load balancer asks."""

    @get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz")
    async def readyz() -> Response[Health]:
        database = await _answers(people)
        bus = "ok" if bus_connected() else "degraded"
        status = "failed" if database != "ok" else bus
        return Response(Health(status, database, bus), status_code=503 if status == "failed" else 200)

    return [livez, readyz]


async def _answers(pool: asyncpg.Pool) -> str:
    try:
        async with asyncio.timeout(_WITHIN_S):
            await pool.fetchval("SELECT 1")
    except UNAVAILABLE:
        return "failed"
    return "ok"
