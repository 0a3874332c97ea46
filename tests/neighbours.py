"""Two people with rows in every table, and what somebody acting in a role gets to see or do."""

import asyncpg
import msgspec

from databases import Database
from nura_rt.store import pool


class Neighbours(msgspec.Struct, frozen=True):
    """Two people with rows everywhere, in a database of their own."""

    database: Database
    ann: str
    bob: str


async def acting(neighbours: Neighbours, role: str) -> asyncpg.Connection:
    """A connection of the server's login in this role."""
    return await pool.connect(neighbours.database.url, role)


async def attempted(conn: asyncpg.Connection, sql: str) -> str | list[asyncpg.Record]:
    """The rows, or `denied`; nothing stays done."""
    attempt = conn.transaction()
    await attempt.start()
    try:
        return await conn.fetch(sql)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.GeneratedAlwaysError):
        return "denied"
    finally:
        await attempt.rollback()
