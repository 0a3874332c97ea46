"""Makes the tables: plain SQL files, one transaction each, under an advisory lock, never edited once applied.

The ledger `nura.schema_migrations` changes in the transaction that changes the tables, so it always tells the truth.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from nura_rt.store.bootstrap import OWNER, MigrationError, bootstrap, require, sql_folder
from nura_rt.store.pooler import acting

__all__ = [
    "Migration", "MigrationError", "Status", "bootstrap", "down", "missing", "owner", "read", "sql_folder", "status",
    "take_back", "up",
]  # fmt: skip

_LOCK = 0x6E757261  # "nura": two runners at once apply each file once
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOST = "its file is missing"
_NEWER = "this program does not know it: a newer one applied it"


class Migration(msgspec.Struct, frozen=True):
    """One file of sql/migrations."""

    version: str
    name: str
    up: str
    down: str
    checksum: str

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.version}_{self.name}.sql"


class Status(msgspec.Struct, frozen=True):
    """One migration and whether the database has it; `note` is set when the database has it and we have no file."""

    version: str
    name: str
    applied: bool
    note: str | None = None


def read(folder: Path) -> list[Migration]:
    """The migrations in order; raises MigrationError on a file that is not one."""
    found = [_parse(path) for path in sorted(folder.glob("*.sql"))]
    for earlier, later in pairwise(found):
        if earlier.version == later.version:
            raise MigrationError(f"{later.file}: version {later.version} is used twice")
    return found


def _parse(path: Path) -> Migration:
    match = _NAME.match(path.name)
    text = path.read_text("utf-8")
    parts = re.split(r"^-- migrate:(up|down)\s*$", text, flags=re.MULTILINE)
    if not match or [part for part in parts[1::2]] != ["up", "down"]:
        raise MigrationError(
            f"{path.name}: must be NNNN_name.sql with one `-- migrate:up` and one `-- migrate:down`"
        )
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(match[1], match[2], up=parts[2], down=parts[4], checksum=checksum)


async def up(dsn: str, folder: Path | None = None) -> list[str]:
    """Applies what is missing, in order, each in its own transaction; returns the versions applied.

    A MigrationError on the way carries in `done` what this run had applied before it.
    """
    applied: list[str] = []
    migrations = _ours(folder)
    async with owner(dsn) as conn:
        _refuse_gap(await _strangers(conn, migrations))
        for migration in migrations:
            try:
                async with _locked(conn):
                    if await _is_applied(conn, migration):
                        continue
                    await _run(conn, migration, migration.up)
                    await conn.execute(
                        "INSERT INTO nura.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                        migration.version,
                        migration.name,
                        migration.checksum,
                    )
            except MigrationError as error:
                error.done = applied
                raise
            applied.append(migration.version)
    return applied


async def down(dsn: str, *, steps: int = 1, folder: Path | None = None) -> list[str]:
    """Takes back the last `steps` migrations; returns their versions. Data in dropped tables is gone."""
    applied = [one.version for one in await status(dsn, folder) if one.applied and one.note is None]
    return await take_back(dsn, applied[-steps:], folder)


async def take_back(dsn: str, versions: Sequence[str], folder: Path | None = None) -> list[str]:
    """Takes back exactly these, newest first. MigrationError (`done`: those taken back) where another is on top."""
    taken: list[str] = []
    async with owner(dsn) as conn:
        for migration in reversed(_ours(folder)):
            if migration.version not in versions:
                continue
            try:
                async with _locked(conn):
                    if not await _is_applied(conn, migration):
                        continue
                    await _refuse_buried(conn, migration)
                    await _run(conn, migration, migration.down)
                    await conn.execute(
                        "DELETE FROM nura.schema_migrations WHERE version = $1", migration.version
                    )
            except MigrationError as error:
                error.done = taken
                raise
            taken.append(migration.version)
    return taken


async def status(dsn: str, folder: Path | None = None) -> list[Status]:
    """Each migration file and whether this database has it, and what it has without a file of ours."""
    async with owner(dsn) as conn:
        migrations = _ours(folder)
        begun = await _has_ledger(conn)
        known = [
            Status(one.version, one.name, applied=begun and await _is_applied(conn, one))
            for one in migrations
        ]
        return sorted([*known, *await _strangers(conn, migrations)], key=lambda one: one.version)


async def missing(conn: asyncpg.Connection, folder: Path | None = None) -> list[Migration]:
    """The migrations that `up` would apply now."""
    begun = await _has_ledger(conn)
    return [one for one in _ours(folder) if not (begun and await _is_applied(conn, one))]


@asynccontextmanager
async def owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that acts as the tables' owner; raises MigrationError when it was not bootstrapped."""
    how: dict[str, Any] = {
        "server_settings": {"application_name": "nura-rt/migrate"},
        "statement_cache_size": 0,  # a transaction pooler may stand between
    }
    conn = await asyncpg.connect(dsn, **how)
    try:
        await require(conn)
    finally:
        await conn.close()
    # by the transaction, so that no pooler's server connection is left to others as the owner
    conn = await asyncpg.connect(dsn, connection_class=acting({"role": OWNER}), **how)
    try:
        yield conn
    finally:
        await conn.close()


def _ours(folder: Path | None) -> list[Migration]:
    return read(folder or sql_folder() / "migrations")


async def _has_ledger(conn: asyncpg.Connection) -> bool:
    return bool(await conn.fetchval("SELECT to_regclass('nura.schema_migrations') IS NOT NULL"))


async def _strangers(conn: asyncpg.Connection, migrations: Sequence[Migration]) -> list[Status]:
    """What the database has and the folder has not: a lost file, or the work of a newer program."""
    if not await _has_ledger(conn):
        return []
    rows = await conn.fetch(
        "SELECT version, name FROM nura.schema_migrations WHERE version <> ALL ($1::text[]) ORDER BY version",
        [one.version for one in migrations],
    )
    last = max((one.version for one in migrations), default="")
    return [
        Status(row["version"], row["name"], applied=True, note=_NEWER if row["version"] > last else _LOST)
        for row in rows
    ]


def _refuse_gap(strangers: Sequence[Status]) -> None:
    """A newer program's work is no hindrance (the older one may still be running); a lost file is."""
    for one in strangers:
        if one.note == _LOST:
            raise MigrationError(
                f"{one.version}_{one.name}.sql is applied to this database but its file is missing: restore the file"
            )


async def _refuse_buried(conn: asyncpg.Connection, migration: Migration) -> None:
    above = await conn.fetchval(
        "SELECT min(version) FROM nura.schema_migrations WHERE version > $1", migration.version
    )
    if above is not None:
        raise MigrationError(
            f"{migration.file} was not taken back: {above} is applied on top of it; see nura-rt migrate status"
        )


@asynccontextmanager
async def _locked(conn: asyncpg.Connection) -> AsyncIterator[None]:
    async with conn.transaction():
        # waits for the other runner, however long
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await conn.execute("SET LOCAL lock_timeout = '5s'")
        await conn.execute(
            """
            CREATE TABLE IF NOT EXISTS nura.schema_migrations (
              version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
              applied_at timestamptz NOT NULL DEFAULT now())
            """
        )
        yield


async def _is_applied(conn: asyncpg.Connection, migration: Migration) -> bool:
    checksum = await conn.fetchval(
        "SELECT checksum FROM nura.schema_migrations WHERE version = $1", migration.version
    )
    if checksum is not None and checksum != migration.checksum:
        raise MigrationError(
            f"{migration.file} was changed after it was applied: "
            "restore the file and put the change into a new migration"
        )
    return checksum is not None


async def _run(conn: asyncpg.Connection, migration: Migration, sql: str) -> None:
    try:
        await conn.execute(sql)
    except asyncpg.PostgresError as error:
        # the server's own words name objects of the schema; a migration holds no person's text
        raise MigrationError(f"{migration.file} failed and was rolled back: {error}") from error
