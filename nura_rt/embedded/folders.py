"""Where the servers keep their files, and who owns those.

Only folders made here are ever given another owner; nobody's permissions are changed, a wrong one is named.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from nura_rt.embedded.errors import StackError

_SOCKET_FOLDER_BYTES = 90  # a unix socket's whole path has room for 107
_LOG_BYTES = 5 * 1024 * 1024


def prepare(data_dir: Path) -> Path:
    """The data folder as an absolute path, made (0700) if it is not there."""
    home = data_dir.resolve()
    if not str(home).isprintable():
        raise StackError("The path of NURA_DATA_DIR holds control characters: choose another folder.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def make_private(folder: Path, uid: int, gid: int) -> None:
    """Make sure `folder` (one of ours, inside the data folder) is a 0700 folder of `uid`.

    As root, a tree that another way of starting left to another owner is handed over.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if os.geteuid() == 0 and folder.lstat().st_uid != uid and not folder.is_symlink():
        _hand_over(folder, uid, gid)
    _verify_private(folder, uid)


def sockets(home: Path, uid: int, gid: int) -> Path:
    """The folder for the sockets: `run` in the data folder, or a short one when that cannot hold a socket."""
    inside = home / "run"
    if fits_a_socket(inside):
        make_private(inside, uid, gid)
        return inside
    name = f"nura-{uid}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    short = Path(tempfile.gettempdir()).resolve() / name
    if not fits_a_socket(short):
        raise StackError(
            f"No path is short enough for a unix socket: {home} and {short}. Set TMPDIR to /tmp."
        )
    # Others may write here, so a folder that is not ours already is refused, never handed over.
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(short, uid, gid)
    _verify_private(short, uid)
    return short


def remove_short(run: Path, home: Path) -> None:
    """Take away a socket folder made outside the data folder, if it is empty."""
    if run.parent != home:
        with suppress(OSError):
            run.rmdir()


def fits_a_socket(folder: Path) -> bool:
    """Whether sockets can live in `folder`. (A comma separates hosts in every PostgreSQL address.)"""
    return len(os.fsencode(folder)) <= _SOCKET_FOLDER_BYTES and "," not in str(folder)


def in_address(path: Path) -> str:
    """`path` as it stands in a URL: everything but `/` and plain letters percent-encoded."""
    return quote(str(path), safe="/")


def open_private(path: Path, flags: int) -> int:
    """Open a 0600 file next to the servers' folders; root leaves it to the owner of the data folder."""
    fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.fchown(fd, parent.st_uid, parent.st_gid)
    return fd


def open_log(path: Path) -> int:
    """A descriptor that appends to the log at `path`; at 5 MB the log moves to `.1` first."""
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def discard(home: Path, pattern: str) -> None:
    """Remove the half-made folders in `home` that match `pattern`; what will not go is left."""
    for leftover in home.glob(pattern):
        shutil.rmtree(leftover, ignore_errors=True)


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    # The top last: while its owner is still the old one, an interrupted hand-over is repeated.
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), uid, gid, follow_symlinks=False)
    os.chown(folder, uid, gid, follow_symlinks=False)


def _verify_private(folder: Path, uid: int) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise StackError(f"{folder} is in the way: it must be a folder. Move it, or set NURA_DATA_DIR.")
    if status.st_uid != uid:
        raise StackError(
            f"{folder} belongs to user id {status.st_uid}, not {uid}: start as that user, "
            "or point NURA_DATA_DIR at another folder."
        )
    if status.st_mode & 0o077:
        raise StackError(f"Others can enter {folder}: run `chmod 700` on it, then start again.")
