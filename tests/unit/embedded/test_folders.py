"""Paths, owners and addresses of the servers' folders."""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio.connection import parse_url

from nura_rt.embedded import folders, postgres, valkey
from nura_rt.embedded.errors import StackError

UID, GID = os.geteuid(), os.getegid()
printable = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1)


@settings(deadline=None)
@given(printable.map(lambda name: Path("/") / name))
def test_any_path_survives_both_addresses(run: Path) -> None:
    database_url, admin_url = postgres.addresses(run)
    redis_url = valkey.address(run)

    assert parse_qs(urlsplit(database_url).query)["host"] == [str(run)]
    assert parse_qs(urlsplit(admin_url).query)["host"] == [str(run)]
    assert parse_url(redis_url)["path"] == str(run / "valkey.sock")


def test_addresses_name_the_login_and_the_superuser() -> None:
    database_url, admin_url = postgres.addresses(Path("/a b/run"))

    assert database_url == "postgresql://nura@/nura?host=/a%20b/run&port=5432"
    assert admin_url == "postgresql://postgres@/postgres?host=/a%20b/run&port=5432"


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/" + "a" * 89, True),
        ("/" + "a" * 90, False),
        ("/" + "é" * 45, False),
        ("/a,b", False),
        ("/a b#c", True),
    ],
)
def test_a_socket_folder_is_short_and_has_no_comma(path: str, fits: bool) -> None:
    assert folders.fits_a_socket(Path(path)) is fits


def test_a_new_data_folder_is_private_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o755)

    folders.prepare(tmp_path / "new" / "data")
    folders.prepare(old)

    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    assert old.stat().st_mode & 0o777 == 0o755


def test_a_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="control characters"):
        folders.prepare(tmp_path / "a\nb")


def test_a_folder_others_can_enter_is_named_not_changed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)

    with pytest.raises(StackError, match="chmod 700"):
        folders.make_private(tmp_path / "run", UID, GID)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_in_the_way(tmp_path: Path, kind: str) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    if kind == "file":
        (tmp_path / "run").write_text("")
    else:
        (tmp_path / "run").symlink_to(tmp_path / "real")

    with pytest.raises(StackError, match="in the way"):
        folders.make_private(tmp_path / "run", UID, GID)


def test_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="belongs to user id"):
        folders._verify_private(tmp_path, UID + 1)


def test_a_long_data_folder_gets_a_short_socket_folder_that_is_taken_away(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100)

    run = folders.sockets(home, UID, GID)
    again = folders.sockets(home, UID, GID)
    folders.remove_short(run, home)

    assert run == again
    assert folders.fits_a_socket(run)
    assert not run.exists()


def test_a_prepared_short_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100)
    run = folders.sockets(home, UID, GID)
    run.chmod(0o777)

    with pytest.raises(StackError, match="Others can enter"):
        folders.sockets(home, UID, GID)
    run.rmdir()


@pytest.mark.parametrize(("size", "moved"), [(5 * 1024 * 1024, False), (5 * 1024 * 1024 + 1, True)])
def test_a_log_moves_aside_when_it_is_too_long(tmp_path: Path, size: int, moved: bool) -> None:
    log = tmp_path / "postgres.log"
    log.write_bytes(b"x" * size)

    os.close(folders.open_log(log))

    assert (tmp_path / "postgres.log.1").exists() is moved
    assert log.stat().st_size == (0 if moved else size)


def test_a_log_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    os.close(folders.open_log(tmp_path / "valkey.log"))

    assert (tmp_path / "valkey.log").stat().st_mode & 0o777 == 0o600
