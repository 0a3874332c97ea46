"""A server as a child process that cannot outlive us and that Ctrl-C in our terminal does not reach.

The kernel sends SIGINT (an orderly stop for both servers) when the thread that started the child ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from nura_rt.embedded.errors import StackError
from nura_rt.embedded.privileges import Privileges

_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
_PR_SET_PDEATHSIG = 1
# Runs after the death signal is set: a parent that died before that moment is noticed here.
_STILL_OUR_CHILD = 'test "$PPID" = "$1" || exit 1; shift; exec "$@"'
_POLL_S = 0.01
_LAST_RESORT_S = 5.0


class Child:
    """One server we started. `stop` is orderly first, then less so; it always ends with it gone."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self, patience_s: float = 20.0) -> None:
        """SIGINT, after `patience_s` seconds SIGQUIT, then SIGKILL. Safe to call again."""
        for number, seconds in ((signal.SIGINT, patience_s), (signal.SIGQUIT, _LAST_RESORT_S)):
            if self.ended():
                return
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        self._process.kill()
        self._process.wait()

    def wait_ready(self, ready: Callable[[], bool], log: Path, *, timeout_s: float) -> None:
        """Return once `ready()`; raises StackError with the log's last line if the server ends or is late."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.ended():
                raise StackError(f"{self.name} did not start: {last_line(log)} (its log is {log})")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready within {timeout_s:.0f} s; its log is {log}")
            time.sleep(_POLL_S)


def spawn(name: str, command: list[str], privileges: Privileges, log: int) -> Child:
    """Start `command`; its output goes to the descriptor `log`, which stays the caller's to close."""
    return Child(name, _open(command, privileges, log))


def run(command: list[str], privileges: Privileges) -> None:
    """Run `command` to its end. Raises StackError with its last line when it fails."""
    process = _open(command, privileges, subprocess.PIPE)
    try:
        output, _ = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode != 0:
        lines = output.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"]
        raise StackError(f"{Path(command[0]).name} failed: {lines[-1]}")


def last_line(log: Path) -> str:
    """The last line of `log` that says something, at most 300 characters."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").split("\n")
    telling = [line for line in lines if line.strip()]
    fatal = [line for line in telling if "FATAL" in line or "PANIC" in line]
    return (fatal or telling or ["it wrote nothing"])[-1].strip()[:300]


def _open(command: list[str], privileges: Privileges, output: int) -> subprocess.Popen[bytes]:
    guarded = ["/bin/sh", "-c", _STILL_OUR_CHILD, "sh", str(os.getpid()), *command]
    return subprocess.Popen(
        [*privileges.prefix, *guarded],
        cwd="/",
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_before_exec(),
        **privileges.switch_user(),
    )


def _before_exec() -> Callable[[], None]:
    # Loaded before the fork: after it only a few plain calls are safe.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def in_the_child() -> None:
        # Under nohup SIGINT is ignored, and a child inherits that until it sets its own.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))

    return in_the_child
