"""The migration runner: there and back gives the same schema, a failure leaves nothing, two runners apply once."""

import asyncio
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from nura_rt.store.bootstrap import LOGIN_ROLES, OWNER
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


@asynccontextmanager
async def login(stores: Addresses, database: Database, roles: Sequence[str]) -> AsyncIterator[str]:
    """The address of a login that may act as these roles."""
    assert stores.admin_url is not None
    name = f"login_{uuid.uuid4().hex[:8]}"
    conn = await asyncpg.connect(stores.admin_url)
    try:
        await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT; GRANT {', '.join(roles)} TO {name}")
        yield database.url.replace("//nura@", f"//{name}@")
    finally:
        await conn.execute(f"DROP ROLE {name}")
        await conn.close()


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
    ("granted", "named"),
    [
        (LOGIN_ROLES[:2], set(LOGIN_ROLES[2:])),
        (LOGIN_ROLES[1:], {OWNER}),
        (("nura_app",), set(LOGIN_ROLES) - {"nura_app"}),
    ],
)
async def test_a_role_the_login_may_not_have_is_named(
    stores: Addresses, empty: Database, granted: tuple[str, ...], named: set[str]
) -> None:
    async with login(stores, empty, granted) as url:
        with pytest.raises(MigrationError, match="bootstrap --admin-dsn") as caught:
            await migrate.up(url)

    assert set(re.findall(r"nura_\w+", str(caught.value))) == named


async def test_a_login_of_the_owner_alone_migrates(stores: Addresses, empty: Database) -> None:
    async with login(stores, empty, (OWNER,)) as url:
        applied = await migrate.up(url)

    assert applied == VERSIONS


async def test_roles_newer_than_the_bootstrap_are_named(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nura_rt.store.bootstrap.LOGIN_ROLES", (*LOGIN_ROLES, "nura_later"))

    with pytest.raises(
        MigrationError, match=r"^this server has no nura_later: .*migrate bootstrap --admin-dsn"
    ):
        await migrate.up(empty.url)


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


async def test_a_lost_file_is_named(empty: Database, files: Path) -> None:
    (files / "0002_later.sql").write_text(GOOD.replace("good", "later"))
    await migrate.up(empty.url, files)
    (files / "0001_good.sql").unlink()

    status = await migrate.status(empty.url, files)
    with pytest.raises(
        MigrationError, match=r"^0001_good\.sql is applied to this database but its file is missing"
    ):
        await migrate.up(empty.url, files)

    assert [(one.version, one.applied, one.note) for one in status] == [
        ("0001", True, "its file is missing"),
        ("0002", True, None),
    ]


async def test_the_work_of_a_newer_program_is_said_and_left_alone(empty: Database, files: Path) -> None:
    newer = files / "0002_later.sql"
    newer.write_text(GOOD.replace("good", "later"))
    await migrate.up(empty.url, files)
    newer.unlink()

    applied = await migrate.up(empty.url, files)
    status = await migrate.status(empty.url, files)
    with pytest.raises(
        MigrationError, match=r"^0001_good\.sql was not taken back: 0002 is applied on top of it"
    ):
        await migrate.down(empty.url, folder=files)

    assert applied == []
    assert [(one.version, one.applied, "newer one" in (one.note or "")) for one in status] == [
        ("0001", True, False),
        ("0002", True, True),
    ]


async def test_exactly_the_named_ones_are_taken_back(empty: Database, files: Path) -> None:
    for version, name in (("0002", "later"), ("0003", "last")):
        (files / f"{version}_{name}.sql").write_text(GOOD.replace("good", name))
    await migrate.up(empty.url, files)

    with pytest.raises(MigrationError, match=r"^0002_later\.sql was not taken back: 0003 is applied"):
        await migrate.take_back(empty.url, ["0002"], files)
    back = await migrate.take_back(empty.url, ["0002", "0003"], files)

    assert back == ["0003", "0002"]
    assert [one.applied for one in await migrate.status(empty.url, files)] == [True, False, False]


async def test_a_failure_tells_what_was_done_before_it(empty: Database, files: Path) -> None:
    (files / "0002_bad.sql").write_text("-- migrate:up\nnonsense;\n-- migrate:down\nselect 1;\n")

    with pytest.raises(MigrationError) as caught:
        await migrate.up(empty.url, files)

    assert caught.value.done == ["0001"]
