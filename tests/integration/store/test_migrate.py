"""The migration runner: there and back gives the same schema, a failure leaves nothing, two runners apply once."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from nura_rt.store.migrate import MigrationError
from schema_picture import picture

OURS = migrate.sql_folder() / "migrations"
VERSIONS = [migration.version for migration in migrate.read(OURS)]
GOOD = "-- migrate:up\ncreate table good (id int);\n-- migrate:down\ndrop table good;\n"


@pytest.fixture
async def empty(stores: Addresses) -> AsyncIterator[Database]:
    """Bootstrapped, not migrated."""
    async with scratch(stores, migrated=False) as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Migrations of a test's own."""
    (tmp_path / "0001_good.sql").write_text(GOOD)
    return tmp_path


async def table_exists(database: Database, name: str) -> bool:
    conn = await asyncpg.connect(database.admin_url)
    try:
        return bool(await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", name))
    finally:
        await conn.close()


async def test_up_down_up_gives_the_same_schema(empty: Database) -> None:
    before = picture(empty.admin_url)
    first = await migrate.up(empty.url)
    there = picture(empty.admin_url)
    back = await migrate.down(empty.url, steps=len(VERSIONS))
    after = picture(empty.admin_url)
    await migrate.up(empty.url)

    assert (first, back) == (VERSIONS, VERSIONS[::-1])
    assert picture(empty.admin_url) == there
    ledger = after.index("-- nura.schema_migrations")  # the runner's own table stays
    assert after[:ledger].strip() == before.strip()


@pytest.mark.parametrize("steps", range(1, len(VERSIONS)))
async def test_some_steps_back_and_forth_give_the_same_schema(empty: Database, steps: int) -> None:
    await migrate.up(empty.url)
    there = picture(empty.admin_url)

    back = await migrate.down(empty.url, steps=steps)
    again = await migrate.up(empty.url)

    assert back == again[::-1] == VERSIONS[::-1][:steps]
    assert picture(empty.admin_url) == there


async def test_up_twice_does_nothing_the_second_time(empty: Database) -> None:
    await migrate.up(empty.url)

    assert await migrate.up(empty.url) == []


async def test_the_status_tells_what_is_applied(empty: Database, files: Path) -> None:
    await migrate.up(empty.url, files)
    (files / "0002_later.sql").write_text(GOOD.replace("good", "later"))

    status = await migrate.status(empty.url, files)

    assert [(one.version, one.name, one.applied) for one in status] == [
        ("0001", "good", True),
        ("0002", "later", False),
    ]


async def test_a_failing_migration_leaves_nothing_behind(empty: Database, files: Path) -> None:
    (files / "0002_bad.sql").write_text(
        "-- migrate:up\ncreate table half (id int);\nselect 1 / 0;\n-- migrate:down\ndrop table half;\n"
    )

    with pytest.raises(MigrationError, match=r"^0002_bad\.sql failed and was rolled back: division by zero"):
        await migrate.up(empty.url, files)

    assert (await table_exists(empty, "good"), await table_exists(empty, "half")) == (True, False)
    assert [one.applied for one in await migrate.status(empty.url, files)] == [True, False]


async def test_a_mended_migration_is_applied_afterwards(empty: Database, files: Path) -> None:
    (files / "0002_bad.sql").write_text("-- migrate:up\nnonsense;\n-- migrate:down\nselect 1;\n")
    with pytest.raises(MigrationError):
        await migrate.up(empty.url, files)
    (files / "0002_bad.sql").write_text(GOOD.replace("good", "mended"))

    assert await migrate.up(empty.url, files) == ["0002"]


async def test_a_failing_way_back_leaves_the_migration_applied(empty: Database, files: Path) -> None:
    (files / "0002_stuck.sql").write_text(
        "-- migrate:up\ncreate table stuck (id int);\n-- migrate:down\ndrop table stuck;\nselect 1 / 0;\n"
    )
    await migrate.up(empty.url, files)

    with pytest.raises(MigrationError, match=r"^0002_stuck\.sql failed"):
        await migrate.down(empty.url, folder=files)

    assert await table_exists(empty, "stuck")
    assert all(one.applied for one in await migrate.status(empty.url, files))


async def test_runners_at_once_apply_each_file_once(empty: Database) -> None:
    shares = await asyncio.gather(*(migrate.up(empty.url) for _ in range(3)))

    assert sorted(version for share in shares for version in share) == VERSIONS


async def test_a_changed_file_is_an_error_that_names_it(empty: Database, files: Path) -> None:
    await migrate.up(empty.url, files)
    (files / "0001_good.sql").write_text(GOOD + "-- one more remark\n")

    for act in (migrate.up(empty.url, files), migrate.status(empty.url, files)):
        with pytest.raises(MigrationError, match=r"^0001_good\.sql was changed after it was applied"):
            await act


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1_short.sql", GOOD),
        ("0002_Big.sql", GOOD),
        ("0002-dash.sql", GOOD),
        ("0002_.sql", GOOD),
        ("notes.sql", GOOD),
        ("0002_no_marks.sql", "create table x (id int);"),
        ("0002_no_down.sql", "-- migrate:up\ncreate table x (id int);\n"),
        ("0002_upside_down.sql", "-- migrate:down\nselect 1;\n-- migrate:up\nselect 1;\n"),
        ("0002_two_ups.sql", "-- migrate:up\n-- migrate:up\n-- migrate:down\n"),
    ],
)
def test_a_file_that_is_no_migration_is_named(files: Path, name: str, text: str) -> None:
    (files / name).write_text(text)

    with pytest.raises(MigrationError, match=f"^{name}: must be NNNN_name"):
        migrate.read(files)


def test_a_version_used_twice_is_named(files: Path) -> None:
    (files / "0001_other.sql").write_text(GOOD)

    with pytest.raises(MigrationError, match=r"version 0001 is used twice"):
        migrate.read(files)


def test_other_files_beside_the_migrations_are_none(files: Path) -> None:
    (files / "README.md").write_text("about")

    assert [migration.name for migration in migrate.read(files)] == ["good"]


def test_ours_are_numbered_without_a_hole() -> None:
    assert [f"{number:04}" for number in range(1, len(VERSIONS) + 1)] == VERSIONS


async def test_a_missing_role_is_named(stores: Addresses, empty: Database) -> None:
    assert stores.admin_url is not None
    conn = await asyncpg.connect(stores.admin_url)
    try:
        await conn.execute("CREATE ROLE half_a_login LOGIN NOINHERIT")
        await conn.execute("GRANT nura_owner, nura_app TO half_a_login")

        with pytest.raises(MigrationError, match="bootstrap --admin-dsn") as caught:
            await migrate.up(empty.url.replace("//nura@", "//half_a_login@"))
    finally:
        await conn.execute("DROP ROLE half_a_login")
        await conn.close()

    named = set(re.findall(r"nura_\w+", str(caught.value)))
    assert named == {"nura_door", "nura_writer", "nura_worker", "nura_auth"}


async def test_bootstrap_may_be_repeated(stores: Addresses, empty: Database) -> None:
    assert stores.admin_url is not None
    await migrate.up(empty.url)
    there = picture(empty.admin_url)

    await migrate.bootstrap(empty.admin_url, database=None, login="nura", password=None)

    assert picture(empty.admin_url) == there


async def test_another_database_of_the_same_folder_is_as_good(empty: Database, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(OURS, copied)

    assert await migrate.up(empty.url, copied) == VERSIONS
