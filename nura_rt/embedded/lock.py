"""One owner per data folder: a flock that ends with the process that took it, however it ends.

The file's text (the owner's pid) is only for messages; the kernel's lock alone decides.
"""

import fcntl
import os
import time
from pathlib import Path

from nura_rt.embedded.errors import StackBusy
from nura_rt.embedded.folders import open_private

LOCK_NAME = "lock"
_ATTEMPTS = 5  # `holder` borrows the lock for microseconds; a start must not mistake that for a server
_PAUSE_S = 0.02


def take(home: Path) -> int:
    """Take the lock of data folder `home`; returns the descriptor that holds it (see `release`).

    Raises StackBusy, within a tenth of a second, when another process has it.
    """
    fd = open_private(home / LOCK_NAME, os.O_RDWR | os.O_CREAT)
    try:
        _lock(fd, home)
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def release(fd: int) -> None:
    """Give the lock back. The file stays: removing it would let two processes lock two files."""
    os.ftruncate(fd, 0)
    os.close(fd)


def holder(home: Path) -> int | None:
    """The pid that holds the lock of `home` (0 if it has not written it yet), None when nobody does."""
    try:
        fd = os.open(home / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_pid(fd)
    else:
        return None
    finally:
        os.close(fd)


def _lock(fd: int, home: Path) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt < _ATTEMPTS - 1:
                time.sleep(_PAUSE_S)
        else:
            return
    raise busy(home, _written_pid(fd))


def busy(home: Path, pid: int | None) -> StackBusy:
    """The sentence for a second server on the same data."""
    owner = f"pid {pid}" if pid else "its pid is not known yet"
    return StackBusy(f"Nura RT is already running on this data ({owner}): {home}")


def _written_pid(fd: int) -> int:
    text = os.pread(fd, 32, 0)
    return int(text) if text.isdigit() else 0
