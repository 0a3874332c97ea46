"""Start, find and stop the embedded stores of one data folder.

Whoever holds the folder's lock owns its servers; they end with that process, even when it is killed.
"""

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import msgspec

from nura_rt.embedded import folders, lock, postgres, privileges, valkey
from nura_rt.embedded.errors import StackBusy, StackError

__all__ = ["Addresses", "Stack", "StackBusy", "StackError", "running", "start"]

_NOTE = "stack.json"


class Addresses(msgspec.Struct, frozen=True):
    """Where the stores of a stack answer; None for one it does not run."""

    database_url: str | None = None  # role nura on database nura, both made by `migrate bootstrap`
    admin_url: str | None = None  # superuser postgres on database postgres
    redis_url: str | None = None


class _Note(msgspec.Struct, frozen=True):
    pid: int
    addresses: Addresses


class Stack:
    """Running stores. Close every connection to them, then `stop`."""

    def __init__(self, addresses: Addresses, undo: ExitStack) -> None:
        self.addresses = addresses
        self._undo = undo

    def stop(self) -> None:
        """Stop the servers in order and free the data folder. Safe to call again."""
        self._undo.close()


def start(data_dir: Path, *, database: bool, redis: bool, postgres_bin: Path | None = None) -> Stack:
    """Start the wanted stores of `data_dir` and return once they answer.

    `postgres_bin` is a folder of PostgreSQL programs to use instead of the wheel's. Call it from the main
    thread (the servers die with the thread that made them), before any event loop. Wanting no store takes
    no lock: a second instance that was given addresses may share the folder.
    Raises StackBusy when another process serves this data, StackError for everything else.
    """
    if not (database or redis):
        return Stack(Addresses(), ExitStack())
    if threading.current_thread() is not threading.main_thread():
        raise StackError("The embedded servers must be started from the main thread: they end with it.")
    try:
        with ExitStack() as undo:
            home = folders.prepare(data_dir)
            undo.callback(lock.release, lock.take(home))
            addresses = _start_servers(home, undo, database=database, redis=redis, postgres_bin=postgres_bin)
            _write_note(home, addresses)
            undo.callback((home / _NOTE).unlink, missing_ok=True)
            return Stack(addresses, undo.pop_all())
    except OSError as error:
        raise _unusable(error) from error


def refuse_second(data_dir: Path) -> None:
    """Raises StackBusy when another process holds the data folder; makes nothing."""
    if (pid := lock.holder(data_dir)) is not None:
        raise lock.busy(data_dir.absolute(), pid)


def running(data_dir: Path) -> Addresses | None:
    """Where the stores of `data_dir` answer while some process serves them, else None.

    Also None while that process is still starting. Raises StackError when the folder is another user's.
    """
    try:
        home = data_dir.resolve()
        pid = lock.holder(home)
        if pid is None:
            return None
        note = msgspec.json.decode((home / _NOTE).read_bytes(), type=_Note)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    except OSError as error:
        raise _unusable(error) from error
    return note.addresses if note.pid == pid else None


def _start_servers(
    home: Path, undo: ExitStack, *, database: bool, redis: bool, postgres_bin: Path | None
) -> Addresses:
    binaries = (postgres_bin or postgres.find_binaries()) if database else None
    binary = valkey.find_binary() if redis else None
    needed = [*([binaries / "postgres"] if binaries else []), *([binary] if binary else [])]
    way = privileges.find(home, needed)
    run = folders.sockets(home, way.uid, way.gid)
    undo.callback(folders.remove_short, run, home)
    database_url = admin_url = redis_url = None
    if binary:
        cache = valkey.start(home, run, binary, way)
        undo.callback(cache.stop)
        redis_url = valkey.address(run)
    if binaries:
        server = postgres.start(home, run, binaries, way)
        undo.callback(server.stop)
        postgres.wait_ready(server, home, binaries)
        database_url, admin_url = postgres.addresses(run)
    if binary:
        valkey.wait_ready(cache, home, run)
    return Addresses(database_url, admin_url, redis_url)


def _write_note(home: Path, addresses: Addresses) -> None:
    fresh = home / f"{_NOTE}.new"
    fresh.unlink(missing_ok=True)
    fd = folders.open_private(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(_Note(os.getpid(), addresses)))
    fresh.replace(home / _NOTE)


def _unusable(error: OSError) -> StackError:
    what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    return StackError(
        f"The data folder cannot be used ({what}). "
        "Check who owns it and that the disk has room, or point NURA_DATA_DIR at another folder."
    )
