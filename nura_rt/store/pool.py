"""Connections to PostgreSQL. Each pool acts as one narrow role; all state is local to a transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

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


async def connect(dsn: str, role: str) -> asyncpg.Connection:
    """One connection that acts as `role` from its first statement."""
    connection: asyncpg.Connection = await asyncpg.connect(
        dsn,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings=_session(role),
    )
    await _speak_json(connection)
    return connection


async def open_pool(dsn: str, role: str, *, smallest: int, largest: int) -> asyncpg.Pool:
    """A pool that acts as `role`; a connection older than an hour idle is dropped."""
    return await asyncpg.create_pool(
        dsn,
        min_size=smallest,
        max_size=largest,
        max_inactive_connection_lifetime=3600,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings=_session(role),
        init=_speak_json,
        reset=_nothing_to_reset,
    )


@asynccontextmanager
async def as_person(pool: asyncpg.Pool, person_id: str) -> AsyncIterator[Executor]:
    """A transaction in which row level security lets `person_id` through, and nobody else."""
    async with pool.acquire() as conn, conn.transaction():
        claims = msgspec.json.encode({"sub": person_id, "role": "authenticated"}).decode()
        await conn.execute("SELECT set_config('request.jwt.claims', $1, true)", claims)
        yield conn


def _session(role: str) -> dict[str, str]:
    return {
        "role": role,
        "application_name": f"nura-rt/{role}",
        "statement_timeout": "10s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "30s",
        "jit": "off",  # our statements are short; compiling them costs more than it saves
    }


async def _speak_json(connection: asyncpg.Connection | PoolConnectionProxy) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


async def _nothing_to_reset(_: asyncpg.Connection | PoolConnectionProxy) -> None:
    """No session state is ever made, so the reset query, a hidden round trip, is left out."""
