"""Telling our old servers from strangers."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from nura_rt.embedded import leftovers


@pytest.mark.parametrize(
    ("title", "ours"),
    [
        ("/opt/x/bin/postgres", True),
        ("postgres", True),
        ("postgres: checkpointer ", True),
        ("/my folder/bin/postgres", True),
        ("/opt/valkey-server unixsocket:/a b/run/valkey.sock", True),
        ("/opt/x/bin/pg_dump", False),
        ("/opt/postgresql", False),
        ("vim postgres.conf", False),
        ("bash", False),
        ("", False),
    ],
)
def test_a_server_is_known_by_its_title(title: str, ours: bool) -> None:
    assert leftovers._is_named(title, ("postgres", "valkey-server")) is ours


@pytest.mark.parametrize(
    ("text", "pid"), [("12\n/data\n", 12), ("12", 12), ("", 0), ("abc\n", 0), ("-5\n", 0), ("\u0661\n", 0)]
)
def test_the_pid_is_the_first_line(tmp_path: Path, text: str, pid: int) -> None:
    (tmp_path / "pid").write_text(text)

    assert leftovers.written_pid(tmp_path / "pid") == pid


def test_a_stranger_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path)
    pid_file.write_text(f"{stranger.pid}\n{tmp_path}\n")

    leftovers.replace(tmp_path, ("postgres",), pid_file)

    assert stranger.poll() is None
    assert not pid_file.exists(), "PostgreSQL would refuse to start while this pid lives"
    stranger.kill()
    stranger.wait()


def test_a_program_of_the_name_elsewhere_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "postgres").symlink_to("/bin/sleep")
    stranger = subprocess.Popen([tmp_path / "postgres", "60"], cwd=elsewhere)

    leftovers.replace(tmp_path, ("postgres",), tmp_path / "postmaster.pid")

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_program_of_the_name_in_the_folder_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "postgres").symlink_to("/bin/sleep")
    server = subprocess.Popen([tmp_path / "postgres", "60"], cwd=tmp_path)
    while not Path(f"/proc/{server.pid}/cmdline").read_bytes():
        time.sleep(0.01)  # the kernel shows a title only a moment after exec

    leftovers.replace(tmp_path, ("postgres",), tmp_path / "postmaster.pid")

    assert server.wait(10) != 0


def test_the_pid_of_a_dead_server_is_left_to_postgresql(tmp_path: Path) -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    (tmp_path / "postmaster.pid").write_text(f"{ended.pid}\n")

    leftovers.replace(tmp_path, ("postgres",), tmp_path / "postmaster.pid")

    assert (tmp_path / "postmaster.pid").exists()
    assert os.getpid() != ended.pid
