"""Scratch databases on the run's PostgreSQL: for tests that change tables, or that no running instance may meet."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate


class Database(msgspec.Struct, frozen=True):
    """One database: the server's own login, and a superuser's eyes."""

    url: str
    admin_url: str


@asynccontextmanager
async def scratch(stores: Addresses, *, migrated: bool) -> AsyncIterator[Database]:
    """A database of its own, bootstrapped; dropped afterwards whoever is still connected."""
    assert stores.admin_url is not None
    assert stores.database_url is not None
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    made = Database(_named(stores.database_url, name), _named(stores.admin_url, name))
    await migrate.bootstrap(stores.admin_url, database=name, login="nura", password=None)
    try:
        if migrated:
            await migrate.up(made.url)
        yield made
    finally:
        conn = await asyncpg.connect(stores.admin_url)
        try:
            await conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await conn.close()


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
