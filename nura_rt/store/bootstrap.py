"""What an administrator makes once: roles, schema, one login. Without its roles no migration is begun.

Safe to repeat: `nura-rt migrate bootstrap` after an update adds the roles that are new.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

OWNER = "nura_owner"
LOGIN_ROLES = (
    OWNER, "nura_app", "nura_door", "nura_writer", "nura_worker", "nura_auth",
    "nura_care", "nura_erasure", "nura_metrics", "nura_import",
)  # fmt: skip
_QUIET = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_messages": "fatal",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_duration_statement": "-1",
}


class MigrationError(Exception):
    """A sentence for the operator: which file or role, and what to do. `done`: versions finished before it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.done: list[str] = []


def sql_folder() -> Path:
    """The folder `sql/`: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"


async def bootstrap(admin_dsn: str, *, database: str | None, login: str, password: str | None) -> list[str]:
    """Roles, schema and `auth` compatibility, made once by an administrator; safe to repeat.

    Returns the log settings this administrator may not set: row values may then reach the server's log.

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
            return await _make_login(conn, login, password)
    finally:
        await conn.close()


async def _make_login(conn: asyncpg.Connection, login: str, password: str | None) -> list[str]:
    name = _quoted(login)
    if not await conn.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", login):
        await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS")
    loud = await _silence(conn, name)
    if password is not None:
        quoted = await conn.fetchval("SELECT quote_literal($1)", password)
        await conn.execute(f"ALTER ROLE {name} PASSWORD {quoted}")
    for role in LOGIN_ROLES:
        await conn.execute(f"GRANT {role} TO {name}")
    return loud


async def _silence(conn: asyncpg.Connection, login: str) -> list[str]:
    """Row values never reach the server's log: not as parameters, not as statements, not as error details.

    Returns what only a superuser may set (Supabase's postgres is none): there its project settings decide.
    """
    loud = []
    for name, value in _QUIET.items():
        try:
            async with conn.transaction():
                await conn.execute(f"ALTER ROLE {login} SET {name} = '{value}'")
                await conn.execute(f"SET LOCAL {name} = '{value}'")  # nor does the password set next
        except asyncpg.InsufficientPrivilegeError:
            loud.append(name)
    return loud


async def require(conn: asyncpg.Connection) -> None:
    """Raises MigrationError naming each role that is not there, or that this login may not act as.

    A login that may act as the owner alone (`NURA_DSN_OWNER`) is enough to migrate.
    """
    rows = await conn.fetch(
        """
        SELECT name, coalesce(pg_has_role(session_user, r.oid, 'member'), false) AS ours, r.oid IS NOT NULL AS there
          FROM unnest($1::text[]) AS name LEFT JOIN pg_roles r ON r.rolname = name
        """,
        list(LOGIN_ROLES),
    )
    absent = [row["name"] for row in rows if not row["there"]]
    if absent:
        raise _not_bootstrapped(f"this server has no {', '.join(absent)}")
    ours = [row["name"] for row in rows if row["ours"]]
    if ours not in (list(LOGIN_ROLES), [OWNER]):
        foreign: Sequence[str] = [name for name in LOGIN_ROLES if name not in ours]
        raise _not_bootstrapped(f"this login may not act as {', '.join(foreign)}")


def _not_bootstrapped(what: str) -> MigrationError:
    return MigrationError(f"{what}: an administrator runs `nura-rt migrate bootstrap --admin-dsn …` once")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _with_database(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
