"""What a newcomer's machine is asked for and told before anything is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
CHECK = ROOT / ".ci" / "check_python.py"


def checked(prelude: str) -> "subprocess.CompletedProcess[str]":
    """The check of `make install` on a Python about which `prelude` lies."""
    code = f"{prelude}\nexec(compile(open({str(CHECK)!r}).read(), 'check', 'exec'))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_python_that_will_do_is_not_remarked_on() -> None:
    done = checked("")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("prelude", "sentence"),
    [
        ("import sys; sys.version_info = (3, 9, 2)", "needs Python 3.11 or newer; this is 3.9"),
        ("import sys; sys.modules['ensurepip'] = None", "apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_told_what_to_install(prelude: str, sentence: str) -> None:
    done = checked(prelude)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_everything_by_hash_and_names_no_index(lock: Path) -> None:
    text = lock.read_text("utf-8")
    pins = re.findall(r"^\S+==\S+", text, re.MULTILINE)

    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links|file:", text)


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)

    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert targets is not None
    for target in targets[1].split():
        assert re.search(rf"^  make {target} ", done.stdout, re.MULTILINE)


def said(*arguments: str) -> str:
    """What make would run, by a clean environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "NURA_"))}
    command = ["make", "-n", "-o", ".venv/.installed", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("target", ["test", "test-fast"])
def test_the_suite_runs_on_another_postgres_when_make_is_told_to(target: str) -> None:
    plain = said(target, "ARGS=-q")
    other = said(target, "ARGS=-q", "PG=/pg/bin", "TLS=1")

    assert plain.startswith(".venv/bin/python -m pytest")
    assert other.split() == ["NURA_TEST_PG=/pg/bin", "NURA_TEST_TLS=1", *plain.split()]


def test_ci_installs_what_tests_skip_without_and_says_that_it_is_ci() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")

    assert all(f"missing+=({package})" in text for package in ("chromium", "postgresql-15", "pgbouncer"))
    assert text.index("export CI=") < text.index("make test")


def test_ci_runs_what_meets_the_database_once_more_on_postgres_15_over_tls() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")

    assert 'make test PG="$PG15" TLS=1 ARGS="tests/integration tests/contract"' in text
    assert "PG15=/usr/lib/postgresql/15/bin" in text
