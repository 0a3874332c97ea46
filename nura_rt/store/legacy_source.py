"""The un-normalised table of an earlier backend, in its own database: read only, page by page, never changed.

Every value comes as text, whatever its type there; only times keep theirs. Its SQL is made of the columns found.
"""

import re
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # the watermark of a row that has none, or one that cannot be
_TIMEOUT_S = 120.0
_TABLE = re.compile(r"(?:(\w+)\.)?(\w+)")
_AT = {
    "timestamp with time zone": "{}",
    "timestamp without time zone": "{} AT TIME ZONE 'UTC'",
    "date": "{}::timestamp AT TIME ZONE 'UTC'",
}


class LegacyError(Exception):
    """A sentence for the operator that names the option and the rule; never a value."""


class Row(msgspec.Struct, frozen=True):
    """One row: its id as text, its watermark (EPOCH where there is none), and the wanted columns."""

    id: str
    watermark: datetime
    values: dict[str, str | datetime | None]
    misread: bool = False  # its bytes were no UTF-8; they were read as Latin-1


class Totals(msgspec.Struct, frozen=True):
    """What the table holds: all rows, and those without an id, which nobody can name."""

    rows: int
    without_id: int


class Source:
    """One table behind one connection. `name` stands for it in the ledger: database and table, no address."""

    def __init__(self, conn: asyncpg.Connection, database: str, table: str, columns: dict[str, str]) -> None:
        self._conn = conn
        self._quoted = ".".join(_quoted(part) for part in table.split("."))
        self._raw = conn.get_settings().server_encoding == "SQL_ASCII"
        self.name = f"{database}.{table}"
        self.table = table
        self.columns = columns
        self._watermark = f"'{EPOCH.isoformat()}'::timestamptz"

    def follow(self, *wanted: str) -> None:
        """The first of these columns that there is tells when a row was changed; later ones stand in for NULL."""
        found = [self._time(name) for name in wanted if self.columns.get(name) in _AT]
        self._watermark = f"coalesce({', '.join([*found, self._watermark])})"

    def is_time(self, column: str) -> bool:
        """Whether the column holds a point in time."""
        return self.columns.get(column) in _AT

    async def totals(self) -> Totals:
        """Counts the table once."""
        row = await self._conn.fetchrow(
            f"SELECT count(*) AS rows, count(*) - count(id) AS without_id FROM {self._quoted}"  # noqa: S608 - quoted
        )
        assert row is not None
        return Totals(**row)

    async def page(
        self,
        columns: list[str],
        *,
        after: tuple[datetime, str],
        since: datetime | None,
        whole: bool,
        limit: int,
    ) -> list[Row]:
        """Up to `limit` rows behind `after`, in the order of watermark and id.

        Only those from `since` on; with `whole` also those that have no watermark, because nothing tells of them.
        """
        shown = ", ".join(
            f"{self._time(name) if self.is_time(name) else self._bytes(name)} AS {_quoted(name)}"
            for name in columns
        )
        rows = await self._conn.fetch(
            f"""
            SELECT * FROM (
              SELECT id::text COLLATE "C" AS " id", {self._watermark} AS " watermark"{", " if shown else ""}{shown}
                FROM {self._quoted} WHERE id IS NOT NULL) AS legacy
             WHERE (" watermark", " id") > ($1, $2 COLLATE "C")
               AND ($3::timestamptz IS NULL OR " watermark" >= $3 OR ($4 AND " watermark" = '{EPOCH.isoformat()}'))
             ORDER BY " watermark", " id" LIMIT $5
            """,  # noqa: S608 - names of the catalogue, quoted
            *after,
            since,
            whole,
            limit,
        )
        return [_row(row, columns) for row in rows]

    async def close(self) -> None:
        """Ends the connection."""
        await self._conn.close()

    def _time(self, column: str) -> str:
        """The time, NULL where nobody's clock can have said it (infinity, before 1970, days ahead)."""
        at = _AT[self.columns[column]].format(_quoted(column))
        return f"CASE WHEN {at} BETWEEN '{EPOCH.isoformat()}' AND now() + interval '1 day' THEN {at} END"

    def _bytes(self, column: str) -> str:
        """A database without an encoding sends what it was given, so nothing is decoded on the way."""
        return f"convert_to({_quoted(column)}::text, '{'SQL_ASCII' if self._raw else 'UTF8'}')"


async def connect(dsn: str, table: str) -> Source:
    """Raises LegacyError when the database does not answer or the table has no column `id` that may be read."""
    if not (named := _TABLE.fullmatch(table)):
        raise LegacyError("--table: must be NAME or SCHEMA.NAME")
    quoted = ".".join(_quoted(part) for part in named.groups() if part)
    try:
        conn: asyncpg.Connection = await asyncpg.connect(
            dsn,
            timeout=10.0,
            command_timeout=_TIMEOUT_S,
            server_settings={
                "application_name": "nura-rt/from-legacy",
                "default_transaction_read_only": "on",
            },
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LegacyError(f"--dsn: the legacy database does not answer ({type(error).__name__})") from None
    try:
        found = await conn.fetch(
            """
            SELECT attname, format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL) AS type
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """,
            quoted,
        )
        columns = {row["attname"]: row["type"] for row in found}
        if "id" not in columns:
            raise LegacyError(f"--table: {table} is not there, or has no column `id`")
        if not await conn.fetchval("SELECT has_table_privilege(to_regclass($1), 'SELECT')", quoted):
            raise LegacyError(f"--table: this login may not read {table}")
        database = await conn.fetchval("SELECT current_database()")
    except BaseException:
        await conn.close()
        raise
    return Source(conn, database, table, columns)


def _row(record: asyncpg.Record, columns: list[str]) -> Row:
    values: dict[str, Any] = {}
    misread = False
    for name in columns:
        value = record[name]
        if isinstance(value, bytes):
            try:
                value = value.decode()
            except UnicodeDecodeError:
                value, misread = value.decode("latin-1"), True
        values[name] = value
    return Row(record[" id"], record[" watermark"], values, misread)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
