"""Opens what one instance keeps things in: a pool for each role, a replica, Redis, people's keys."""

from contextlib import AsyncExitStack
from importlib import metadata

import asyncpg
import msgspec
from redis.asyncio import Redis

from nura_rt.cache import client as cache
from nura_rt.cache.responses import ResponseCache
from nura_rt.cache.servers import Servers
from nura_rt.settings import Settings
from nura_rt.store import kek, sealing
from nura_rt.store.keyring import Keyring
from nura_rt.store.logins import Logins, logins
from nura_rt.store.replica import Reads
from nura_rt.store.sealing import SealBroken
from nura_rt.telemetry import Counters

_SIDE_POOL = 4  # the door, sign-in, heads and jobs each need a few connections of their own role


class Stores(msgspec.Struct, frozen=True):
    """Everything open. Pools are named for what they do, not for their role."""

    where: Logins
    pools: list[asyncpg.Pool]
    people: asyncpg.Pool
    reads: Reads
    door: asyncpg.Pool
    heads: asyncpg.Pool
    work: asyncpg.Pool
    sign_in: asyncpg.Pool
    endings: asyncpg.Pool  # one connection: a storm of sign-ins must not delay who was signed out
    keyring: Keyring | None  # None: production was given no key-encryption key
    bus: Servers
    sessions: Redis
    responses: ResponseCache


async def open_stores(
    stack: AsyncExitStack, settings: Settings, counters: Counters, *, database_url: str, redis_url: str
) -> Stores:
    """Raises what asyncpg raises when the database does not answer; Redis may come later."""
    where, pools = logins(settings, database_url), list[asyncpg.Pool]()

    async def pool(
        role: str, *, at: Logins = where, smallest: int = 1, largest: int = _SIDE_POOL
    ) -> asyncpg.Pool:
        opened = await at.open_pool(role, smallest=smallest, largest=largest)
        stack.callback(opened.terminate)
        pools.append(opened)
        return opened

    people = await pool("nura_app", smallest=settings.db_pool_min, largest=settings.db_pool_max)
    replica = None
    if (
        settings.read_database_url is not None
    ):  # nothing is connected yet: it may be down now and answer later
        at = Logins(settings.read_database_url, pooler=settings.db_pooler)
        replica = await pool("nura_app", at=at, smallest=0, largest=settings.db_pool_max)
    sign_in = await pool("nura_auth")
    wrapping = kek.load_if_any(settings)
    keyring = Keyring(sign_in, wrapping) if wrapping else None
    bus = cache.for_bus(redis_url)
    caches = cache.for_caches(settings.redis_cache_url or redis_url)
    stack.push_async_callback(caches.aclose)
    sessions = caches
    if settings.redis_cache_url is not None:  # `session:{id}` belongs where REDIS_URL says
        sessions = cache.for_caches(redis_url)
        stack.push_async_callback(sessions.aclose)
    return Stores(
        where=where,
        pools=pools,
        people=people,
        reads=Reads(people, replica, max_lag_s=settings.read_max_lag_s, counters=counters),
        door=await pool("nura_door"),
        heads=await pool("nura_writer"),
        work=await pool("nura_worker"),
        sign_in=sign_in,
        endings=await pool("nura_auth", largest=1),
        keyring=keyring,
        bus=bus,
        sessions=sessions,
        responses=_sealed_responses(caches, counters, keyring),
    )


def _sealed_responses(caches: Redis, counters: Counters, keyring: Keyring | None) -> ResponseCache:
    """A cached profile holds words too: each answer is sealed with its person's key, or not kept at all."""

    async def key_of(person_id: str) -> bytes:
        if keyring is None:
            raise SealBroken  # what cannot be sealed is not cached
        return await keyring.key_of(person_id)

    async def seal(person_id: str, body: bytes) -> bytes:
        key = await key_of(person_id)
        return sealing.seal(key, body.decode("latin-1"), **_place(person_id)).encode("ascii")

    async def unseal(person_id: str, sealed: bytes) -> bytes:
        key = await key_of(person_id)
        return sealing.open_sealed(key, sealed.decode("ascii"), **_place(person_id)).encode("latin-1")

    return ResponseCache(caches, counters, version=metadata.version("nura-rt"), seal=seal, unseal=unseal)


def _place(person_id: str) -> dict[str, str]:
    return {"table": "cache", "row_id": "", "field": "body", "person_id": person_id}
