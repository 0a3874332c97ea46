"""Before a rollback is promised: which migrations could not be taken back without losing rows."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from nura_rt.store.losses import losses

BEFORE = """-- migrate:up
create table held (id int, kept text, gone text);
insert into held values (1, 'a', 'b');
create table bare (id int);
create table nura.hidden (id int);
insert into nura.hidden values (1);
alter table nura.hidden enable row level security;
alter table nura.hidden force row level security;
-- migrate:down
drop table nura.hidden, bare, held;
"""


@pytest.fixture
async def filled(stores: Addresses, tmp_path: Path) -> AsyncIterator[tuple[Database, Path]]:
    """A database with a table that holds a row and one that does not."""
    (tmp_path / "0001_before.sql").write_text(BEFORE)
    async with scratch(stores, migrated=False) as made:
        await migrate.up(made.url, tmp_path)
        yield made, tmp_path


@pytest.mark.parametrize(
    ("up", "down", "loss"),
    [
        ("create table fresh (id int); insert into fresh values (1);", "drop table fresh;", None),
        ("alter table held add column fresh text default 'x';", "alter table held drop column fresh;", None),
        ("alter table bare add column fresh text;", "drop table bare;", None),
        ("select 1;", "select 1; -- drop table held", None),
        (
            "alter table held alter column kept set not null;",
            "alter table held alter column kept drop not null;",
            None,
        ),
        ("alter table held add constraint c check (id > 0);", "alter table held drop constraint c;", None),
        ("drop table if exists nowhere;", "select 1;", None),
        ("create index at on held (id);", "drop index at;", None),
        ("select 1;", "drop table held;", "table held"),
        ("select 1;", "DROP TABLE IF EXISTS bare, public.held CASCADE;", "table public.held"),
        ("select 1;", "drop table nura.hidden;", "table nura.hidden"),
        ("drop table held;", "create table held (id int);", "table held"),
        ("truncate held;", "select 1;", "table held"),
        ("truncate table only held;", "select 1;", "table held"),
        (
            "alter table held drop column gone;",
            "alter table held add column gone text;",
            "column gone of held",
        ),
        ("alter table held add column x int,\n drop gone;", "select 1;", "column gone of held"),
        ("delete from held;", "select 1;", None),
        ("-- destructive: rows are merged\nselect 1;", "select 1;", "it says `-- destructive`"),
    ],
)
async def test_what_would_be_lost_is_known_before(
    filled: tuple[Database, Path], up: str, down: str, loss: str | None
) -> None:
    database, files = filled
    (files / "0002_step.sql").write_text(f"-- migrate:up\n{up}\n-- migrate:down\n{down}\n")

    found = await losses(database.url, files)

    assert found == ([] if loss is None else [f"0002_step.sql ({loss})"])


async def test_what_is_applied_is_not_asked_about(filled: tuple[Database, Path]) -> None:
    database, files = filled

    assert await losses(database.url, files) == []


async def test_ours_can_be_applied_to_a_new_database_and_taken_back_whole(stores: Addresses) -> None:
    async with scratch(stores, migrated=False) as new:
        assert await losses(new.url) == []


async def test_asking_changes_nothing(filled: tuple[Database, Path]) -> None:
    database, files = filled
    (files / "0002_step.sql").write_text("-- migrate:up\ndrop table held;\n-- migrate:down\nselect 1;\n")

    await losses(database.url, files)

    conn = await asyncpg.connect(database.admin_url)
    kept = await conn.fetchval("SELECT count(*) FROM held")
    await conn.close()
    assert kept == 1
