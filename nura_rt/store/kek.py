"""The key of keys (KEK), which wraps every person's own key. From file or environment; made in development only.

Whoever loses it loses every sealed text, so a damaged one is said and never replaced.
"""

import base64
import hashlib
import os
import stat
from pathlib import Path

import msgspec

from nura_rt import made_once
from nura_rt.settings import Settings, SettingsError
from nura_rt.store.sealing import KEY_BYTES, new_key

_LONGEST_LINE = 200  # bytes; the key takes 44
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Kek(msgspec.Struct, frozen=True):
    """32 bytes and their name: the first 8 hex digits of their SHA-256, which tells one KEK from another."""

    id: str
    key: bytes

    @classmethod
    def of(cls, key: bytes) -> "Kek":
        """The KEK with these 32 bytes."""
        return cls(hashlib.sha256(key).hexdigest()[:8], key)

    def __repr__(self) -> str:
        return f"Kek({self.id})"


def load(settings: Settings) -> Kek:
    """The KEK of NURA_KEK_FILE or NURA_KEK; in development else the one in `<data_dir>/kek`, made once (0600).

    Raises SettingsError, without any of the key: both set, none set in production, a file that is damaged,
    out of reach or open to others, and in production one that can be guessed.
    """
    if settings.kek_file is not None and settings.kek is not None:
        raise SettingsError("NURA_KEK", "must not be set beside NURA_KEK_FILE: only one key can wrap")
    if settings.kek_file is not None:
        name, key = "NURA_KEK_FILE", _configured(settings.kek_file)
    elif settings.kek is not None:
        name, key = "NURA_KEK", settings.kek
    elif settings.env == "production":
        raise SettingsError(
            "NURA_KEK_FILE", "must be set in production (or NURA_KEK): it wraps people's keys"
        )
    else:
        name, key = "NURA_DATA_DIR", _made_once(settings.data_dir / "kek")
    if settings.env == "production" and len(set(key)) < 8:
        raise SettingsError(name, "must not be guessable; `openssl rand -base64 32` makes one that is not")
    return Kek.of(key)


def load_if_any(settings: Settings) -> Kek | None:
    """None only in production where none was given: nothing can be sealed there. Raises as `load` does."""
    if settings.env == "production" and settings.kek_file is None and settings.kek is None:
        return None
    return load(settings)


def _configured(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            exposed = is_exposed(os.fstat(file.fileno()))
            line = file.readline(_LONGEST_LINE)
    except OSError:
        raise SettingsError("NURA_KEK_FILE", "must be a file that can be read") from None
    if exposed:
        raise SettingsError("NURA_KEK_FILE", "must be a file for its owner's eyes alone (chmod 600)")
    if (key := _parsed(line)) is None:
        raise SettingsError("NURA_KEK_FILE", "must hold 32 bytes in base64 on its first line")
    return key


def is_exposed(status: os.stat_result) -> bool:
    """Others may read or write it. A secret that root mounts for one group to read (Kubernetes) is not."""
    allowed = stat.S_IRGRP if status.st_uid == 0 else 0
    return bool(status.st_mode & _OTHERS & ~allowed)


def _made_once(path: Path) -> bytes:
    try:
        line = made_once.read_or_make(path, lambda: base64.b64encode(new_key()).decode()).encode()
    except OSError:
        raise SettingsError("NURA_DATA_DIR", "must be a folder where kek can be written and read") from None
    if (key := _parsed(line)) is None:
        raise SettingsError(
            "NURA_DATA_DIR", "holds a damaged kek; without the old one sealed text stays sealed"
        )
    return key


def _parsed(line: bytes) -> bytes | None:
    try:
        key = base64.b64decode(line.strip(), validate=True)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None
