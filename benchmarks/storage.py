"""One PostgreSQL and one Valkey for everybody, a fresh database for each server that is started on them.

The embedded ones, as shipped: fsync and synchronous_commit are on.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from nura_rt.auth.tokens import Tokens
from nura_rt.embedded import stack
from nura_rt.store import migrate

SECRET = "a-secret-for-benchmarks-only-0123456789abcdef0123456789"  # noqa: S105 - of servers that live for seconds
_PEERS_TABLE = """
CREATE TABLE messages (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), conversation_id text NOT NULL,
  client_id text NOT NULL, role text NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON messages (conversation_id, created_at);
"""


class Room(msgspec.Struct, frozen=True):
    """A conversation, and the token of its one person (empty where nobody asks for one)."""

    id: str
    token: str


class Storage:
    """Where the stores answer."""

    def __init__(self, addresses: stack.Addresses) -> None:
        assert addresses.admin_url is not None
        assert addresses.database_url is not None
        assert addresses.redis_url is not None
        self._admin_url = addresses.admin_url
        self._login_url = addresses.database_url
        self.redis_url = addresses.redis_url

    async def ours(self) -> str:
        """A fresh migrated database of our own; returns its URL."""
        name = await self._forget_others("ours")
        await migrate.bootstrap(self._admin_url, database=name, login="nura", password=None)
        url = _named(self._login_url, name)
        await migrate.up(url)
        await self._checkpoint()
        return url

    async def peers(self) -> str:
        """A fresh database with the one table a peer needs; returns its URL."""
        name = await self._forget_others("peers")
        url = _named(self._admin_url, name)
        await self._execute(f"CREATE DATABASE {name}")
        await self._execute(_PEERS_TABLE, url)
        await self._checkpoint()
        return url

    async def rooms(self, url: str, count: int, *, ours: bool) -> list[Room]:
        """New conversations, each of a person of its own."""
        if not ours:
            return [Room(str(uuid.uuid4()), "") for _ in range(count)]
        tokens = Tokens(SECRET, ttl_s=3600)
        conn = await asyncpg.connect(_named(self._admin_url, urlsplit(url).path[1:]))
        try:
            people = [str(uuid.uuid4()) for _ in range(count)]
            await conn.execute(
                "INSERT INTO users (id, email) SELECT id, id || '@example.invalid' FROM unnest($1::text[]) id",
                people,
            )
            rows = await conn.fetch(
                "INSERT INTO conversations (user_id) SELECT unnest($1::text[]) RETURNING id, user_id", people
            )
        finally:
            await conn.close()
        return [Room(row["id"], tokens.issue(row["user_id"])) for row in rows]

    async def _forget_others(self, kind: str) -> str:
        rows = await self._fetch("SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_%'")
        for row in rows:
            await self._execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
        return f"bench_{kind}_{uuid.uuid4().hex[:8]}"

    async def _checkpoint(self) -> None:
        """So that none falls into what is measured because of what came before."""
        await self._execute("CHECKPOINT")

    async def _execute(self, statement: str, url: str | None = None) -> None:
        conn = await asyncpg.connect(url or self._admin_url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def _fetch(self, query: str) -> list[asyncpg.Record]:
        conn = await asyncpg.connect(self._admin_url)
        try:
            return list(await conn.fetch(query))
        finally:
            await conn.close()


@contextmanager
def serving(folder: Path) -> Iterator[Storage]:
    """Both stores, in `folder`, until the end of the block. From the main thread, outside any event loop."""
    started = stack.start(folder, database=True, redis=True)
    try:
        yield Storage(started.addresses)
    finally:
        started.stop()


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
