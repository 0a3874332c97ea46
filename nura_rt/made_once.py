"""A small secret file made once for its owner: whole or not at all, and of several processes one wins."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """The file's ASCII text without outer blanks; if missing it is made of `make()` first (mode 0600).

    Raises OSError where it is out of reach; what it holds is for the caller to judge.
    """
    if not path.exists():
        _make(path, make() + "\n")
    return path.read_text("ascii", errors="replace").strip()


def _make(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
