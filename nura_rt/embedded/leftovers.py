"""Servers of an earlier run that are still alive although nobody holds the data folder's lock.

A pid is never trusted alone: a server is ours when its program's name and its folder both match.
"""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from nura_rt.embedded.errors import StackError

_PROC = Path("/proc")
_PS = "/bin/ps"
_POLL_S = 0.02
# Seconds given to each signal; a server whose parent was killed is usually stopping already.
_PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def replace(folder: Path, programs: tuple[str, ...], pid_file: Path) -> None:
    """Stop whatever still serves `folder`. Call with the lock held, before starting anew.

    `programs` are the names its program may have; `pid_file` holds the server's pid in its first line.
    Raises StackError when it will not go (another user's).
    """
    for number, seconds in _PATIENCE:
        if _gone(folder, programs, pid_file, number, seconds):
            break
    else:
        raise StackError(f"A {programs[0]} of an earlier run still uses {folder} and cannot be stopped.")
    _forget_reused_pid(pid_file)


def serving(folder: Path, programs: tuple[str, ...], pid_file: Path) -> list[int]:
    """The pids that serve `folder`: the server's first, then its children where the system shows them."""
    main = written_pid(pid_file)
    found = [pid for pid in _candidates(main) if _is_ours(pid, folder, programs)]
    return sorted(found, key=lambda pid: pid != main)


def written_pid(pid_file: Path) -> int:
    """The pid in the first line of `pid_file`, 0 when there is none."""
    try:
        first = pid_file.read_text(errors="replace").split("\n", 1)[0].strip()
    except FileNotFoundError:
        return 0
    return int(first) if first.isascii() and first.isdigit() else 0


def _gone(folder: Path, programs: tuple[str, ...], pid_file: Path, number: int, seconds: float) -> bool:
    pids = serving(folder, programs, pid_file)
    # A server tells its own children; only the last signal has to reach each of them.
    for pid in pids if number == signal.SIGKILL else pids[:1]:
        _send(pid, number, folder)
    deadline = time.monotonic() + seconds
    while pids and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        pids = serving(folder, programs, pid_file)
    return not pids


def _send(pid: int, number: int, folder: Path) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise StackError(f"Another user's server (pid {pid}) uses {folder}: stop it first.") from error


def _forget_reused_pid(pid_file: Path) -> None:
    # PostgreSQL refuses to start while the old pid lives, even when a stranger has it now.
    pid = written_pid(pid_file)
    if pid:
        with suppress(ProcessLookupError):
            with suppress(PermissionError):
                os.kill(pid, 0)
            pid_file.unlink()


def _candidates(written: int) -> list[int]:
    if _PROC.is_dir():
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [written] if written else []


def _is_ours(pid: int, folder: Path, programs: tuple[str, ...]) -> bool:
    if not _PROC.is_dir():
        listed = subprocess.run(
            [_PS, "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        return str(folder) in listed and _is_named(listed, programs)
    try:
        title = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0", 1)[0].decode(errors="replace")
        where = (_PROC / str(pid) / "cwd").readlink()
    except OSError:  # it ended meanwhile, is a zombie, or is a stranger's: not ours to stop
        return False
    return where == folder and _is_named(title, programs)


def _is_named(title: str, programs: tuple[str, ...]) -> bool:
    # A title is a path ("/a b/bin/postgres") or rewritten ("postgres: writer", "/a/valkey-server *:0").
    return any(re.search(rf"(^|/){re.escape(name)}([ :]|$)", title) for name in programs)
