"""Connections to PostgreSQL. Each pool acts as one narrow role; all state is local to a transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from nura_rt.store.pooler import acting
from nura_rt.store.recycling import Connection, RecyclingPool

Pooler = Literal["session", "transaction"]  # what the address leads to: a session, or one per transaction
Executor = asyncpg.Connection | PoolConnectionProxy | asyncpg.Pool  # a pool lends a connection per call

# The database does not answer or is on its way down: the same statement may succeed later.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says when a FATAL meets a statement being sent
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)

_CONNECT_TIMEOUT_S = 10.0
_COMMAND_TIMEOUT_S = 15.0
_LIMITS = {
    "statement_timeout": "10s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
}


async def connect(dsn: str, role: str, *, pooler: Pooler = "session") -> asyncpg.Connection:
    """One connection that acts as `role` from its first statement."""
    connection_class, how = _as(role, pooler)
    connection: asyncpg.Connection = await asyncpg.connect(dsn, connection_class=connection_class, **how)
    await _speak_json(connection)
    return connection


async def open_pool(
    dsn: str,
    role: str,
    *,
    smallest: int,
    largest: int,
    pooler: Pooler = "session",
    max_age_s: float = 3_600,
    ping_after_s: float = 30,
) -> asyncpg.Pool:
    """A pool that acts as `role`.

    A connection older than `max_age_s` is closed when it is given back; one idle for `ping_after_s` is asked
    before it is lent, and replaced when it does not answer.
    """
    connection_class, how = _as(role, pooler)
    return await RecyclingPool(
        dsn,
        connection_class,
        smallest=smallest,
        largest=largest,
        max_age_s=max_age_s,
        ping_after_s=ping_after_s,
        init=_speak_json,
        **how,
    )


@asynccontextmanager
async def as_person(pool: asyncpg.Pool, person_id: str) -> AsyncIterator[Executor]:
    """A transaction in which row level security lets `person_id` through, and nobody else."""
    async with pool.acquire() as conn, conn.transaction():
        claims = msgspec.json.encode({"sub": person_id, "role": "authenticated"}).decode()
        await conn.execute("SELECT set_config('request.jwt.claims', $1, true)", claims)
        yield conn


def _as(role: str, pooler: Pooler) -> tuple[type[Connection], dict[str, Any]]:
    """The class of connections that act as `role`, and what `asyncpg.connect` is told beside it."""
    name = {"application_name": f"nura-rt/{role}"}
    how = {"timeout": _CONNECT_TIMEOUT_S, "command_timeout": _COMMAND_TIMEOUT_S}
    local = {"role": role, **_LIMITS}
    if pooler == "session":
        return Connection, {**how, "server_settings": name | local}
    # PgBouncer knows the application's name and refuses the rest; a statement prepared there may be gone.
    return acting(local), {**how, "server_settings": name, "statement_cache_size": 0}


async def _speak_json(connection: asyncpg.Connection | PoolConnectionProxy) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )
