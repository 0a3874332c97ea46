"""Makes the tables: plain SQL files, one transaction each, under an advisory lock, never edited once applied."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

_OWNER = "nura_owner"
_LOCK = 0x6E757261  # "nura": two runners at once apply each file once
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_QUIET = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_messages": "fatal",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_duration_statement": "-1",
}
_LOGIN_ROLES = ("nura_owner", "nura_app", "nura_door", "nura_writer", "nura_worker", "nura_auth")


class MigrationError(Exception):
    """A sentence for the operator: which file or role, and what to do."""


class Migration(msgspec.Struct, frozen=True):
    """One file of sql/migrations."""

    version: str
    name: str
    up: str
    down: str
    checksum: str


class Status(msgspec.Struct, frozen=True):
    """One migration and whether the database has it."""

    version: str
    name: str
    applied: bool


def sql_folder() -> Path:
    """The folder `sql/`: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"


def read(folder: Path) -> list[Migration]:
    """The migrations in order; raises MigrationError on a file that is not one."""
    found = [_parse(path) for path in sorted(folder.glob("*.sql"))]
    for earlier, later in pairwise(found):
        if earlier.version == later.version:
            raise MigrationError(f"{later.version}_{later.name}.sql: version {later.version} is used twice")
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


async def bootstrap(admin_dsn: str, *, database: str | None, login: str, password: str | None) -> None:
    """Roles, schema and `auth` compatibility, made once by an administrator; safe to repeat.

    `database` is made when missing; None means the one the DSN names.
    """
    conn = await asyncpg.connect(admin_dsn)
    try:
        if database and not await conn.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await conn.execute(f"CREATE DATABASE {_quoted(database)}")
    finally:
        await conn.close()
    conn = await asyncpg.connect(_with_database(admin_dsn, database) if database else admin_dsn)
    try:
        async with conn.transaction():
            await conn.execute((sql_folder() / "bootstrap.sql").read_text("utf-8"))
            await _make_login(conn, login, password)
    finally:
        await conn.close()


async def _make_login(conn: asyncpg.Connection, login: str, password: str | None) -> None:
    name = _quoted(login)
    if not await conn.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", login):
        await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS")
    await _silence(conn, name)
    if password is not None:
        quoted = await conn.fetchval("SELECT quote_literal($1)", password)
        await conn.execute(f"ALTER ROLE {name} PASSWORD {quoted}")
    for role in _LOGIN_ROLES:
        await conn.execute(f"GRANT {role} TO {name}")


async def _silence(conn: asyncpg.Connection, login: str) -> None:
    """Row values never reach the server's log: not as parameters, not as statements, not as error details."""
    for name, value in _QUIET.items():
        try:
            async with conn.transaction():
                await conn.execute(f"ALTER ROLE {login} SET {name} = '{value}'")
                await conn.execute(f"SET LOCAL {name} = '{value}'")  # nor does the password set next
        except asyncpg.InsufficientPrivilegeError:
            pass  # only a superuser may (Supabase's postgres is none): its project settings decide


async def up(dsn: str, folder: Path | None = None) -> list[str]:
    """Applies what is missing, in order, each in its own transaction; returns the versions applied."""
    applied = []
    async with _owner(dsn) as conn:
        for migration in read(folder or sql_folder() / "migrations"):
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
            applied.append(migration.version)
    return applied


async def down(dsn: str, *, steps: int = 1, folder: Path | None = None) -> list[str]:
    """Takes back the last `steps` migrations; returns their versions. Data in dropped tables is gone."""
    taken_back: list[str] = []
    async with _owner(dsn) as conn:
        for migration in reversed(read(folder or sql_folder() / "migrations")):
            if len(taken_back) == steps:
                break
            async with _locked(conn):
                if not await _is_applied(conn, migration):
                    continue
                await _run(conn, migration, migration.down)
                await conn.execute("DELETE FROM nura.schema_migrations WHERE version = $1", migration.version)
            taken_back.append(migration.version)
    return taken_back


async def status(dsn: str, folder: Path | None = None) -> list[Status]:
    """Each migration file and whether this database has it."""
    async with _owner(dsn) as conn:
        begun = await conn.fetchval("SELECT to_regclass('nura.schema_migrations') IS NOT NULL")
        return [
            Status(migration.version, migration.name, applied=begun and await _is_applied(conn, migration))
            for migration in read(folder or sql_folder() / "migrations")
        ]


@asynccontextmanager
async def _owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(dsn, server_settings={"application_name": "nura-rt/migrate"})
    try:
        await _require_bootstrap(conn)
        await conn.execute(f"SET ROLE {_OWNER}")
        yield conn
    finally:
        await conn.close()


async def _require_bootstrap(conn: asyncpg.Connection) -> None:
    missing: Sequence[str] = await conn.fetchval(
        """
        SELECT coalesce(array_agg(name), '{}') FROM unnest($1::text[]) AS name
         WHERE NOT EXISTS (SELECT FROM pg_roles
                            WHERE rolname = name AND pg_has_role(session_user, oid, 'member'))
        """,
        list(_LOGIN_ROLES),
    )
    if missing:
        raise MigrationError(
            f"this login may not act as {', '.join(missing)}: "
            "an administrator runs `nura-rt migrate bootstrap --admin-dsn …` once"
        )


@asynccontextmanager
async def _locked(conn: asyncpg.Connection) -> AsyncIterator[None]:
    async with conn.transaction():
        await conn.execute(
            "SELECT pg_advisory_xact_lock($1)", _LOCK
        )  # waits for the other runner, however long
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
            f"{migration.version}_{migration.name}.sql was changed after it was applied: "
            "restore the file and put the change into a new migration"
        )
    return checksum is not None


async def _run(conn: asyncpg.Connection, migration: Migration, sql: str) -> None:
    try:
        await conn.execute(sql)
    except asyncpg.PostgresError as error:
        # the server's own words name objects of the schema; a migration holds no person's text
        raise MigrationError(
            f"{migration.version}_{migration.name}.sql failed and was rolled back: {error}"
        ) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _with_database(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
