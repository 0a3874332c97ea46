"""Makes the tables: plain SQL files, one transaction each, under an advisory lock, never edited once applied.

The ledger `nura.schema_migrations` changes in the transaction that changes the tables, so it always tells the truth.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import asyncpg
import msgspec

from nura_rt.store.bootstrap import OWNER, MigrationError, bootstrap, require, sql_folder

__all__ = [
    "Migration", "MigrationError", "Status", "bootstrap", "down", "losses", "read", "sql_folder", "status",
    "take_back", "up",
]  # fmt: skip

_LOCK = 0x6E757261  # "nura": two runners at once apply each file once
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_DESTRUCTIVE = re.compile(r"^-- destructive\b", re.MULTILINE)
_TABLES = r"([\w.\"]+(?:\s*,\s*[\w.\"]+)*)"
_DROPS = re.compile(rf"\b(?:drop\s+table|truncate)\s+(?:table\s+)?(?:if\s+exists\s+)?(?:only\s+)?{_TABLES}", re.I)
_ALTERS = re.compile(r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([\w.\"]+)([^;]*)", re.I)
_COLUMNS = re.compile(r"\bdrop\s+(?:column\s+)?(?:if\s+exists\s+)?(?!constraint\b|column\b|not\b|default\b)([\w\"]+)", re.I)


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

    A MigrationError on the way carries in `applied` what this run had applied before it.
    """
    applied: list[str] = []
    migrations = _ours(folder)
    async with _owner(dsn) as conn:
        _refuse_gaps(await _strangers(conn, migrations))
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
                error.applied = applied
                raise
            applied.append(migration.version)
    return applied


async def down(dsn: str, *, steps: int = 1, folder: Path | None = None) -> list[str]:
    """Takes back the last `steps` migrations; returns their versions. Data in dropped tables is gone."""
    return await _down(dsn, lambda taken, _: len(taken) < steps, _ours(folder))


async def take_back(dsn: str, versions: Sequence[str], folder: Path | None = None) -> list[str]:
    """Takes back exactly these versions, newest first; MigrationError where another stands on top of them."""
    return await _down(dsn, lambda _, version: version >= min(versions), _ours(folder), only=versions)


async def _down(
    dsn: str, wanted: "Wanted", migrations: Sequence[Migration], only: Sequence[str] | None = None
) -> list[str]:
    taken: list[str] = []
    async with _owner(dsn) as conn:
        for migration in reversed(migrations):
            if not wanted(taken, migration.version):
                break
            async with _locked(conn):
                if not await _is_applied(conn, migration):
                    continue
                await _refuse_buried(conn, migration, only)
                await _run(conn, migration, migration.down)
                await conn.execute("DELETE FROM nura.schema_migrations WHERE version = $1", migration.version)
            taken.append(migration.version)
    return taken
