"""Migrations that touch rows: under FORCE RLS the owner touches none, silently, unless the migration lifts it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import person_rows
from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate

OURS = migrate.read(migrate.sql_folder() / "migrations")
MADE = re.compile(r"nura\.own_rows\('([\w.]+)'", re.IGNORECASE)
PLAIN = "update users set bio = 'touched';"
LIFTED = f"alter table users no force row level security; {PLAIN} alter table users force row level security;"


@pytest.fixture
async def filled(stores: Addresses) -> AsyncIterator[Database]:
    """Two people with a row in every table."""
    async with scratch(stores, migrated=True) as made:
        conn = await asyncpg.connect(made.admin_url)
        for _ in range(2):
            await person_rows.fill(conn)
        await conn.close()
        yield made


@pytest.mark.parametrize(("statements", "touched"), [(PLAIN, 0), (LIFTED, 2)], ids=["the trap", "lifted"])
async def test_a_migration_touches_rows_only_when_it_lifts_the_force(
    filled: Database, tmp_path: Path, statements: str, touched: int
) -> None:
    (tmp_path / f"{int(OURS[-1].version) + 1:04}_touch.sql").write_text(
        f"-- migrate:up\n{statements}\n-- migrate:down\nselect 1;\n"
    )
    for migration in OURS:  # their files stay where they are: only their names must be known
        (tmp_path / migration.file).symlink_to(migrate.sql_folder() / "migrations" / migration.file)

    applied = await migrate.up(filled.url, tmp_path)

    conn = await asyncpg.connect(filled.admin_url)
    found = await conn.fetchval("SELECT count(*) FROM users WHERE bio = 'touched'")
    forced = await conn.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE oid = 'users'::regclass")
    await conn.close()
    assert len(applied) == 1
    assert (found, forced) == (touched, True)


def unlifted(sql: str, tables: set[str]) -> list[str]:
    """The person tables whose rows the text touches without lifting and restoring FORCE RLS around it."""
    plain = re.sub(r"--[^\n]*", "", sql)
    bodies = re.sub(
        r"\$(\w*)\$.*?\$\1\$", "", plain, flags=re.DOTALL
    )  # functions run later, as somebody else
    blocks = "".join(
        found[2] for found in re.finditer(r"\bdo\s+\$(\w*)\$(.*?)\$\1\$", plain, re.DOTALL | re.I)
    )
    text = " ".join((bodies + blocks).lower().split())
    found = []
    for table in sorted(tables):
        name = table.removeprefix("public.")
        touch = rf"\b(?:update|delete from|insert into|merge into) (?:only )?(?:public\.)?{re.escape(name)}\b(?! from)"
        lift = rf"alter table (?:public\.)?{re.escape(name)} no force row level security"
        back = rf"alter table (?:public\.)?{re.escape(name)} force row level security"
        spots = [match.start() for match in re.finditer(touch, text)]
        if spots and not (re.search(lift, text[: spots[0]]) and re.search(back, text[spots[-1] :])):
            found.append(name)
    return found


def test_every_migration_of_ours_that_touches_rows_lifts_the_force() -> None:
    tables: set[str] = set()
    offenders = {}
    for migration in OURS:
        if found := unlifted(
            migration.up, tables
        ):  # tables of earlier files: a new one is empty, and not forced yet
            offenders[migration.file] = found
        tables |= set(MADE.findall(migration.up))

    assert {"users", "nura.jobs"} <= tables
    assert offenders == {}


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (PLAIN, ["users"]),
        (LIFTED, []),
        ("delete from public.users where id = '1';", ["users"]),
        ("insert into nura.jobs (kind) select 'x' from users;", ["nura.jobs"]),
        ("do $$ begin update users set bio = ''; end $$;", ["users"]),
        ("alter table users no force row level security; update users set bio = '';", ["users"]),
        ("alter table users force row level security; update users set bio = ''; ", ["users"]),
        ("create function f() returns void language sql as $$ update users set bio = '' $$;", []),
        ("grant select, update on users to nura_auth;", []),
        ("create trigger touch before update on users for each row execute function f();", []),
        ("-- update users set bio = ''", []),
        ("update badges set name = '';", []),
    ],
)
def test_the_check_sees_what_it_is_for(sql: str, found: list[str]) -> None:
    assert unlifted(sql, {"users", "nura.jobs"}) == found
