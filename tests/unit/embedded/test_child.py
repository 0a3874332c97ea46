"""Children: their end, their messages, their terminal."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nura_rt.embedded import child
from nura_rt.embedded.errors import StackError
from nura_rt.embedded.privileges import Privileges

HERE = Privileges("directly", os.geteuid(), os.getegid())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "log", os.O_CREAT | os.O_RDWR | os.O_APPEND)
    yield fd
    os.close(fd)


def shell(script: str, log: int) -> child.Child:
    return child.spawn("Server", ["/bin/sh", "-c", script], HERE, log)


def test_a_child_has_a_session_of_its_own(log: int) -> None:
    server = shell("exec sleep 60", log)

    assert os.getsid(server.pid) == server.pid != os.getsid(0)
    server.stop()


@pytest.mark.parametrize(
    ("script", "patience_s", "ended_by"),
    [
        ("trap 'exit 0' INT; echo up; while :; do sleep 0.05; done", 20.0, 0),
        ("trap '' INT; trap 'exit 3' QUIT; echo up; while :; do sleep 0.05; done", 0.3, 3),
    ],
)
def test_stop_asks_in_order_and_may_be_called_again(
    log: int, tmp_path: Path, script: str, patience_s: float, ended_by: int
) -> None:
    server = shell(script, log)
    server.wait_ready(lambda: (tmp_path / "log").stat().st_size > 0, tmp_path / "log", timeout_s=30)

    server.stop(patience_s=patience_s)
    server.stop()

    assert server._process.returncode == ended_by


def test_stop_ends_with_kill(log: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_LAST_RESORT_S", 0.2)
    server = shell("trap '' INT QUIT; echo up; while :; do sleep 0.05; done", log)
    server.wait_ready(lambda: (tmp_path / "log").stat().st_size > 0, tmp_path / "log", timeout_s=30)

    server.stop(patience_s=0.2)

    assert server._process.returncode == -signal.SIGKILL


def test_a_server_that_ends_early_is_told_with_its_last_words(log: int, tmp_path: Path) -> None:
    server = shell("echo 'FATAL:  no room'; echo 'LOG:  down'", log)

    with pytest.raises(StackError, match="Server did not start: FATAL:  no room"):
        server.wait_ready(lambda: False, tmp_path / "log", timeout_s=30)


def test_a_server_that_is_late_is_told(log: int, tmp_path: Path) -> None:
    server = shell("exec sleep 60", log)

    with pytest.raises(StackError, match="not ready within 0 s"):
        server.wait_ready(lambda: False, tmp_path / "log", timeout_s=0.05)
    server.stop()


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("", "it wrote nothing"),
        ("one\ntwo\n\n", "two"),
        ("FATAL: first\nLOG: later\n", "FATAL: first"),
        ("x" * 5000, "x" * 300),
    ],
)
def test_the_last_line_says_something(tmp_path: Path, written: str, line: str) -> None:
    (tmp_path / "log").write_text(written)

    assert child.last_line(tmp_path / "log") == line


def test_a_failed_command_is_told_with_its_last_line() -> None:
    with pytest.raises(StackError, match=r"sh failed: two$"):
        child.run(["/bin/sh", "-c", "echo one; echo two; exit 1"], HERE)


def test_a_child_gets_no_settings_of_ours(log: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")

    shell("env", log)._process.wait()

    assert "PGPASSWORD" not in (tmp_path / "log").read_text()


def test_a_child_of_a_dead_parent_does_not_begin(log: int, tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", child._STILL_OUR_CHILD, "sh", str(os.getpid() + 1), "/bin/echo", "began"]

    server = child.spawn("Server", command, HERE, log)
    server._process.wait()

    assert "began" not in (tmp_path / "log").read_text()
