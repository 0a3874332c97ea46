"""What a role of ours does wrong is told to us, and never written into the log of a server that was bootstrapped."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from databases import Database
from nura_rt.embedded import postgres
from nura_rt.store import migrate, pool
from nura_rt.store.bootstrap import LOGIN_ROLES
from postgres_server import Server, serving

pytestmark = pytest.mark.slow

CANARY = "hunter2"
PASSWORD = f"{CANARY}-of-the-login"
MISTAKES = [
    f"SELECT '{CANARY}'::int",
    f'SELECT * FROM "{CANARY}"',
    f"selec '{CANARY}'",
    f"DO $$ BEGIN RAISE WARNING '{CANARY}'; RAISE EXCEPTION '{CANARY}' USING DETAIL = '{CANARY}'; END $$",
    f"""CREATE TEMP TABLE kept (words text PRIMARY KEY);
        INSERT INTO kept VALUES ('{CANARY}'); INSERT INTO kept VALUES ('{CANARY}')""",
    f"INSERT INTO users (id, email) VALUES ('{CANARY}', '{CANARY}'), ('{CANARY}', '{CANARY}')",
    f"INSERT INTO conversations (user_id, title) VALUES ('{CANARY}', '{CANARY}')",
    f"SET statement_timeout = 20; SELECT pg_sleep(1), '{CANARY}'",
]


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """One with PostgreSQL's own defaults, which log every value."""
    given = os.environ.get("NURA_TEST_PG", "").strip()
    binaries = Path(given).resolve() if given else postgres.find_binaries()
    with serving(folder / "logged", binaries) as started:
        yield started


@pytest.fixture(scope="module")
async def bootstrapped(server: Server) -> Database:
    """With our roles and tables, made by a superuser."""
    made = Database(server.url("nura", "nura"), server.url("postgres", "postgres"))
    await migrate.bootstrap(made.admin_url, database="nura", login="nura", password=PASSWORD)
    await migrate.up(made.url)
    return made


@pytest.fixture
def log(folder: Path, bootstrapped: Database) -> Callable[[], str]:
    """What the server has logged since the test began."""
    written = folder / "logged" / "postgres.log"
    before = len(written.read_text())
    return lambda: written.read_text()[before:]


async def blunder(conn: asyncpg.Connection) -> int:
    """Makes every mistake; how many of them were told to us with the words."""
    told = 0
    for sql in MISTAKES:
        try:
            await conn.execute(sql)
        except asyncpg.PostgresError as error:
            told += CANARY in f"{error} {error.as_dict()}"
    try:
        await conn.fetchval("SELECT $1::text::int", CANARY)
    except asyncpg.DataError as error:
        told += CANARY in str(error)
    return told


@pytest.mark.parametrize("role", LOGIN_ROLES)
async def test_no_mistake_of_a_role_brings_words_into_the_log(
    bootstrapped: Database, log: Callable[[], str], role: str
) -> None:
    conn = await pool.connect(bootstrapped.url, role)
    try:
        told = await blunder(conn)
    finally:
        await conn.close()

    assert told >= 5
    assert CANARY not in log()


async def test_the_same_mistakes_of_another_login_are_logged(
    bootstrapped: Database, log: Callable[[], str]
) -> None:
    conn = await asyncpg.connect(bootstrapped.admin_url)
    try:
        await blunder(conn)
    finally:
        await conn.close()

    assert CANARY in log()


def test_the_password_of_the_login_is_not_in_the_log(bootstrapped: Database, folder: Path) -> None:
    assert PASSWORD not in (folder / "logged" / "postgres.log").read_text()
