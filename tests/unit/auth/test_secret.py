"""The generated secret: made once, by one of many, readable by nobody else, and never in production."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from nura_rt import settings
from nura_rt.auth import secret
from nura_rt.auth.tokens import Tokens
from nura_rt.settings import SettingsError


def loaded(folder: Path, **variables: str) -> settings.Settings:
    return settings.load({"NURA_DATA_DIR": str(folder), **variables}, dotenv=None)


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = secret.jwt_secret(loaded(tmp_path / "new"))

    assert secret.jwt_secret(loaded(tmp_path / "new")) == first
    assert Tokens(first, ttl_s=60)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    secret.jwt_secret(loaded(tmp_path / "new"))

    assert stat.S_IMODE((tmp_path / "new" / "jwt-secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_of_many_starting_at_once_all_get_the_same(tmp_path: Path) -> None:
    ours = loaded(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret.jwt_secret(ours), range(32)))

    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["jwt-secret"]


def test_a_configured_secret_wins_and_nothing_is_written(tmp_path: Path) -> None:
    given = "a-secret-of-our-own-with-32-bytes-or-more"

    assert secret.jwt_secret(loaded(tmp_path, SUPABASE_JWT_SECRET=given)) == given
    assert list(tmp_path.iterdir()) == []


def test_supabase_mode_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^SUPABASE_JWT_SECRET"):
        secret.jwt_secret(loaded(tmp_path, AUTH_MODE="supabase", SUPABASE_URL="https://p.supabase.co"))

    assert list(tmp_path.iterdir()) == []


def test_production_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^SUPABASE_JWT_SECRET"):
        secret.jwt_secret(msgspec.structs.replace(loaded(tmp_path), env="production"))


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 90])
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "jwt-secret").write_bytes(content)

    with pytest.raises(SettingsError, match=r"^NURA_DATA_DIR"):
        secret.jwt_secret(loaded(tmp_path))

    assert (tmp_path / "jwt-secret").read_bytes() == content


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")

    with pytest.raises(SettingsError, match=r"^NURA_DATA_DIR"):
        secret.jwt_secret(loaded(tmp_path / "taken"))
