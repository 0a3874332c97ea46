"""GET /livez and /readyz. Ready means: PostgreSQL answers, others hear us over the bus or Redis is away, no drain."""

import asyncio
from collections.abc import Callable
from typing import Literal

import asyncpg
import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from nura_rt.store.pool import UNAVAILABLE

_WITHIN_S = 2.0

BusState = Literal["ok", "degraded", "sick"]


class Health(msgspec.Struct, frozen=True):
    """One word for the whole and one for each part. Served with 200: ok, degraded; with 503: failed, draining."""

    status: Literal["ok", "degraded", "failed", "draining"]
    database: Literal["ok", "failed"]
    bus: BusState  # degraded: Redis is away, PostgreSQL is asked instead; sick: only this instance hears nothing

    @property
    def is_ready(self) -> bool:
        """Whether it may be given more to do."""
        return self.status in ("ok", "degraded")


def health_routes(
    people: asyncpg.Pool, bus: Callable[[], BusState], *, draining: Callable[[], bool]
) -> list[HTTPRouteHandler]:
    """The routes a load balancer asks. Each answers within about 2 s, whatever became of PostgreSQL."""

    @get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz")
    async def readyz() -> Response[Health]:
        health = judged(answers=await _answers(people), bus=bus(), draining=draining())
        return Response(health, status_code=200 if health.is_ready else 503)

    return [livez, readyz]


def judged(*, answers: bool, bus: BusState, draining: bool) -> Health:
    """The worst of what is known gives the whole its word; who is leaving says that first."""
    database: Literal["ok", "failed"] = "ok" if answers else "failed"
    if draining:
        return Health("draining", database, bus)
    if not answers or bus == "sick":
        return Health("failed", database, bus)
    return Health(bus, database, bus)


async def _answers(pool: asyncpg.Pool) -> bool:
    try:
        async with asyncio.timeout(_WITHIN_S), pool.acquire() as conn:
            try:
                await conn.fetchval("SELECT 1")
            except BaseException:
                conn.terminate()  # else giving it back waits for the end of a query that has none
                raise
    except UNAVAILABLE:
        return False
    return True
