"""The key of keys: from one place only, its owner's alone, made once and in development only."""

import base64
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from nura_rt import settings
from nura_rt.settings import SettingsError
from nura_rt.store import kek
from nura_rt.store.kek import Kek

KEY = bytes(range(100, 132))
LINE = base64.b64encode(KEY).decode()


def loaded(folder: Path, **variables: str) -> settings.Settings:
    return settings.load({"NURA_DATA_DIR": str(folder / "data"), **variables}, dotenv=None)


def in_production(ours: settings.Settings) -> settings.Settings:
    return msgspec.structs.replace(ours, env="production")


def key_file(folder: Path, content: str = LINE + "\n", *, mode: int = 0o600) -> str:
    path = folder / "key"
    path.write_bytes(content.encode())
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("content", [LINE, LINE + "\n", LINE + "\r\n", f"  {LINE} \nrotated in May\n"])
def test_the_first_line_of_the_file_is_the_key(tmp_path: Path, content: str) -> None:
    found = kek.load(loaded(tmp_path, NURA_KEK_FILE=key_file(tmp_path, content)))

    assert found == Kek(hashlib.sha256(KEY).hexdigest()[:8], KEY)


def test_a_file_mounted_as_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(key_file(tmp_path, mode=0o400))

    assert kek.load(loaded(tmp_path, NURA_KEK_FILE=str(tmp_path / "link"))).key == KEY


def test_the_environment_may_hold_it(tmp_path: Path) -> None:
    assert kek.load(loaded(tmp_path, NURA_KEK=LINE)) == Kek.of(KEY)
    assert list(tmp_path.iterdir()) == []


def test_production_takes_both_ways(tmp_path: Path) -> None:
    for variables in ({"NURA_KEK": LINE}, {"NURA_KEK_FILE": key_file(tmp_path)}):
        assert kek.load(in_production(loaded(tmp_path, **variables))).key == KEY


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^NURA_KEK: must not be set beside NURA_KEK_FILE"):
        kek.load(loaded(tmp_path, NURA_KEK=LINE, NURA_KEK_FILE=key_file(tmp_path)))


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o666])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match=r"^NURA_KEK_FILE: must be .*owner.*chmod 600"):
        kek.load(loaded(tmp_path, NURA_KEK_FILE=key_file(tmp_path, mode=mode)))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n" + LINE,
        LINE[:-4],
        LINE + LINE,
        "my-secret-passphrase",
        "\xff" * 44,
        LINE[:10] + "\n" + LINE[10:],
    ],
)
def test_a_file_without_a_key_is_said_without_its_content(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError) as refused:
        kek.load(loaded(tmp_path, NURA_KEK_FILE=key_file(tmp_path, content)))

    assert str(refused.value) == "NURA_KEK_FILE: must hold 32 bytes in base64 on its first line"


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_out_of_reach_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"^NURA_KEK_FILE: must be a file that can be read$"):
        kek.load(loaded(tmp_path, NURA_KEK_FILE=str(tmp_path / name)))


def test_production_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^NURA_KEK_FILE: must be set in production"):
        kek.load(in_production(loaded(tmp_path)))
    assert kek.load_if_any(in_production(loaded(tmp_path))) is None
    assert not list(tmp_path.rglob("kek"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", [bytes(32), b"secret" * 5 + b"se"])
def test_production_refuses_a_guessable_one(tmp_path: Path, key: bytes) -> None:
    line = base64.b64encode(key).decode()

    with pytest.raises(SettingsError, match=r"^NURA_KEK: must not be guessable"):
        kek.load(in_production(loaded(tmp_path, NURA_KEK=line)))
    with pytest.raises(SettingsError, match=r"^NURA_KEK_FILE: must not be guessable"):
        kek.load(in_production(loaded(tmp_path, NURA_KEK_FILE=key_file(tmp_path, line))))


def test_in_development_one_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = kek.load(loaded(tmp_path))

    assert kek.load(loaded(tmp_path)) == made
    assert len(made.key) == 32
    assert stat.S_IMODE((tmp_path / "data" / "kek").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_of_many_starting_at_once_all_get_the_same(tmp_path: Path) -> None:
    ours = loaded(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        made = {one.key for one in pool.map(lambda _: kek.load(ours), range(32))}

    assert len(made) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["kek"]


def test_one_that_was_made_may_move_to_a_file_of_its_own(tmp_path: Path) -> None:
    made = kek.load(loaded(tmp_path))

    assert kek.load(loaded(tmp_path, NURA_KEK_FILE=str(tmp_path / "data" / "kek"))) == made


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 44])
def test_a_damaged_one_is_said_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kek").write_bytes(content)

    with pytest.raises(SettingsError, match=r"^NURA_DATA_DIR: holds a damaged kek"):
        kek.load(loaded(tmp_path))

    assert (tmp_path / "data" / "kek").read_bytes() == content


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")

    with pytest.raises(SettingsError, match=r"^NURA_DATA_DIR"):
        kek.load(loaded(tmp_path))


def test_its_name_is_shown_and_never_its_bytes() -> None:
    shown = repr(Kek.of(b"super-secret-key".ljust(32, b".")))

    assert shown == f"Kek({hashlib.sha256(b'super-secret-key'.ljust(32, b'.')).hexdigest()[:8]})"


@pytest.mark.parametrize(
    ("mode", "owner", "exposed"),
    [
        (0o600, 1000, False),
        (0o440, 0, False),
        (0o640, 0, False),
        (0o640, 1000, True),
        (0o444, 0, True),
        (0o660, 0, True),
    ],
)
def test_only_root_may_let_a_group_read_it(mode: int, owner: int, exposed: bool) -> None:
    status = os.stat_result((mode, 1, 1, 1, owner, 7, 45, 0, 0, 0))

    assert kek.is_exposed(status) is exposed
