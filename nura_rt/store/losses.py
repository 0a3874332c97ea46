"""Which migrations could not be taken back without losing rows: asked before anything is applied.

The rule reads the file, up and down: it drops or truncates a table, or drops a column, that stands in the database
before the run and whose table takes up space; or a line `-- destructive` says so (for a delete, or anything cleverer).
What the run itself makes does not count: only what is written meanwhile goes with it.
"""

import re
from pathlib import Path

import asyncpg

from nura_rt.store import migrate
from nura_rt.store.migrate import Migration

_NAME = r"[\w.\"]+"
_MARK = re.compile(r"^-- destructive\b", re.MULTILINE)
_TABLES = re.compile(
    rf"\b(?:drop\s+table|truncate)\s+(?:table\s+)?(?:if\s+exists\s+)?(?:only\s+)?({_NAME}(?:\s*,\s*{_NAME})*)",
    re.I,
)
_ALTERED = re.compile(rf"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?({_NAME})([^;]*)", re.I)
_COLUMN = re.compile(
    rf"\bdrop\s+(?:column\s+)?(?:if\s+exists\s+)?(?!(?:column|constraint|not|default|identity|expression)\b)({_NAME})",
    re.I,
)


async def losses(dsn: str, folder: Path | None = None) -> list[str]:
    """A phrase for each migration that `up` would apply and nobody could take back whole: file and what is lost."""
    async with migrate.owner(dsn) as conn:
        found = [(one, await _loss(conn, one)) for one in await migrate.missing(conn, folder)]
    return [f"{one.file} ({loss})" for one, loss in found if loss is not None]


async def _loss(conn: asyncpg.Connection, migration: Migration) -> str | None:
    text = migration.up + migration.down
    if _MARK.search(text):
        return "it says `-- destructive`"
    for table, column in _dropped(text):
        if await _holds_rows(conn, table, column):
            return f"table {table}" if column is None else f"column {column} of {table}"
    return None


def _dropped(text: str) -> list[tuple[str, str | None]]:
    """Tables, and columns with their tables, that the text drops or empties."""
    plain = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    tables = [(name.strip(), None) for found in _TABLES.findall(plain) for name in found.split(",")]
    columns = [(table, column) for table, tail in _ALTERED.findall(plain) for column in _COLUMN.findall(tail)]
    return [*tables, *columns]


async def _holds_rows(conn: asyncpg.Connection, table: str, column: str | None) -> bool:
    """Space instead of rows: under forced row level security the owner sees none."""
    return bool(
        await conn.fetchval(
            """
            SELECT (coalesce(pg_relation_size(to_regclass($1)), 0) > 0
                    OR EXISTS (SELECT FROM pg_partition_tree(to_regclass($1)) WHERE pg_relation_size(relid) > 0))
               AND ($2::text IS NULL
                    OR EXISTS (SELECT FROM pg_attribute
                                WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped))
            """,
            table,
            column.strip('"') if column else None,
        )
    )
