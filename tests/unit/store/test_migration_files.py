"""The files of migrations: what is one, and what is named as none."""

from pathlib import Path

import pytest

from nura_rt.store import migrate
from nura_rt.store.migrate import MigrationError

GOOD = "-- migrate:up\ncreate table good (id int);\n-- migrate:down\ndrop table good;\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Migrations of a test's own."""
    (tmp_path / "0001_good.sql").write_text(GOOD)
    return tmp_path


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
    versions = [migration.version for migration in migrate.read(migrate.sql_folder() / "migrations")]

    assert [f"{number:04}" for number in range(1, len(versions) + 1)] == versions
