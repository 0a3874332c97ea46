"""Real servers: what survives, what ends with whom, what replaces what."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from embedded_servers import Parent, ask, cache, servers, wait_until
from nura_rt.embedded import lock, postgres, privileges, stack
from nura_rt.embedded.child import Child
from nura_rt.embedded.stack import StackBusy, StackError

pytestmark = pytest.mark.slow

ENDED_S = 30.0  # an orderly end writes to the disk, and so may others


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A data folder; afterwards no server may be left in it."""
    yield tmp_path / "data"
    wait_until(lambda: not servers(tmp_path / "data"), ENDED_S)


def test_data_survives_stop_and_start(home: Path) -> None:
    first = stack.start(home, database=True, redis=True)
    ask(first, "CREATE TABLE kept AS SELECT 42 AS n")
    cache(first).set("kept", "yes")
    first.stop()
    first.stop()

    second = stack.start(home, database=True, redis=True)

    assert ask(second, "SELECT n FROM kept") == 42
    assert cache(second).get("kept") == b"yes"
    assert second.addresses == first.addresses
    second.stop()
    assert servers(home) == []
    assert stack.running(home) is None


def test_the_servers_are_set_up_as_promised(home: Path) -> None:
    stores = stack.start(home, database=True, redis=True)
    cluster = home / "postgres-18"
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
    }
    live = {name: ask(stores, f"SHOW {name}") for name in wanted}
    kept = cache(stores).config_get("maxmemory-policy", "maxmemory", "appendonly", "save", "port")
    note = home / "stack.json"

    assert live == wanted
    assert kept == {
        "maxmemory-policy": "volatile-lru",
        "maxmemory": str(256 * 1024 * 1024),
        "appendonly": "yes",
        "save": "900 1",
        "port": "0",
    }
    assert ask(stores, "SELECT lower('ÁÉÑ')") == "áéñ"
    assert {path.stat().st_mode & 0o777 for path in (home, cluster, home / "run")} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in (note, home / "postgres.log", home / "lock")} == {0o600}
    stores.stop()


@pytest.mark.parametrize("wanted", ["database", "redis"])
def test_one_store_alone_starts(home: Path, wanted: str) -> None:
    stores = stack.start(home, database=wanted == "database", redis=wanted == "redis")

    assert (stores.addresses.database_url is None) is (wanted == "redis")
    assert (stores.addresses.redis_url is None) is (wanted == "database")
    stores.stop()


def test_a_second_start_is_told_who_is_running(home: Path) -> None:
    parent = Parent("serve", home)
    addresses = parent.addresses()

    began = time.monotonic()
    with pytest.raises(StackBusy, match=f"pid {parent.process.pid}"):
        stack.start(home, database=True, redis=True)

    assert time.monotonic() - began < 5
    assert stack.running(home) == addresses
    assert parent.finish() == 0


def test_kill_9_leaves_no_orphan_and_keeps_what_was_committed(home: Path) -> None:
    parent = Parent("serve", home)
    addresses = parent.addresses()
    ask(addresses, "CREATE TABLE kept AS SELECT generate_series(1, 100) AS n")

    parent.kill()
    wait_until(lambda: servers(home) == [], ENDED_S)
    again = stack.start(home, database=True, redis=True)

    assert ask(again, "SELECT count(*) FROM kept") == 100
    again.stop()


def test_a_start_right_after_kill_9_waits_for_the_old_servers(home: Path) -> None:
    parent = Parent("serve", home)
    ask(parent.addresses(), "CREATE TABLE kept AS SELECT 1 AS n")

    parent.kill()
    again = stack.start(home, database=True, redis=True)

    assert ask(again, "SELECT n FROM kept") == 1
    again.stop()


def test_ctrl_c_in_the_terminal_reaches_no_server(home: Path) -> None:
    parent = Parent("serve", home)
    addresses = parent.addresses()

    os.killpg(parent.process.pid, signal.SIGINT)
    time.sleep(0.3)

    assert ask(addresses, "SELECT 1") == 1
    assert parent.finish() == 0


def test_a_kill_while_the_cluster_is_made_leaves_nothing_half_made(home: Path) -> None:
    parent = Parent("serve", home)
    wait_until(lambda: any(home.glob("postgres-18.partial-*/base")), 30.0)

    parent.kill()
    assert not (home / "postgres-18").exists()
    stores = stack.start(home, database=True, redis=False)

    assert ask(stores, "SELECT 1") == 1
    stores.stop()
    # an initdb that outlived the kill may have gone on writing while the new owner cleared up
    stack.start(home, database=True, redis=False).stop()
    assert list(home.glob("*.partial-*")) == []


@pytest.mark.parametrize("name", ["with space #1", "plus+percent%41&q?x", 'quote\'s "ünï"', "a,b", "x" * 120])
def test_any_folder_name_works(tmp_path: Path, name: str) -> None:
    stores = stack.start(tmp_path / name, database=True, redis=True)

    assert ask(stores, "SELECT 1") == 1
    assert cache(stores).ping()
    stores.stop()
    assert servers(tmp_path / name) == []


def test_a_cache_that_cannot_save_stops_all_the_same(home: Path) -> None:
    stores = stack.start(home, database=False, redis=True)
    cache(stores).set("unsaved", "yes")
    shutil.rmtree(home / "valkey")

    began = time.monotonic()
    stores.stop()

    assert time.monotonic() - began < 15  # it would be told to less kindly after 20


def leftover_postgres(home: Path) -> Child:
    """A server of `home` that no stack owns, as after a death that nobody noticed."""
    home.mkdir(mode=0o700)
    binaries = postgres.find_binaries()
    way = privileges.find(home, [binaries / "postgres"])
    run = home / "run"
    run.mkdir(mode=0o700)
    os.chown(run, way.uid, way.gid)
    server = postgres.start(home, run, binaries, way)
    postgres.wait_ready(server, home, binaries)
    return server


def test_a_leftover_server_without_an_owner_is_replaced(home: Path) -> None:
    leftover = leftover_postgres(home)

    stores = stack.start(home, database=True, redis=True)

    assert leftover.ended()
    assert ask(stores, "SELECT 1") == 1
    stores.stop()


def test_a_server_killed_outright_is_replaced_at_once(home: Path) -> None:
    leftover = leftover_postgres(home)

    os.kill(leftover.pid, signal.SIGKILL)  # its own children outlive it for a moment
    stores = stack.start(home, database=True, redis=False)

    assert ask(stores, "SELECT 1") == 1
    stores.stop()
    leftover.stop()


def test_a_pid_file_whose_pid_a_stranger_has_now_is_no_obstacle(home: Path) -> None:
    first = stack.start(home, database=True, redis=True)
    first.stop()
    way = privileges.find(home, [])
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=way.uid if os.geteuid() == 0 else None)
    (home / "postgres-18" / "postmaster.pid").write_text(f"{stranger.pid}\n{home}/postgres-18\n1\n5432\n")
    (home / "run" / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")

    second = stack.start(home, database=True, redis=True)

    assert stranger.poll() is None
    second.stop()
    stranger.kill()
    stranger.wait()


def test_a_folder_left_by_another_way_of_starting_is_handed_over(home: Path) -> None:
    first = stack.start(home, database=True, redis=True)
    ask(first, "CREATE TABLE kept AS SELECT 1 AS n")
    first.stop()
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "0:0", str(home)], check=True)

    second = stack.start(home, database=True, redis=True)

    assert ask(second, "SELECT n FROM kept") == 1
    second.stop()


def test_a_persons_words_never_reach_the_logs(home: Path) -> None:
    stores = stack.start(home, database=True, redis=True)
    ask(stores, "CREATE TABLE secret (id int PRIMARY KEY, words text CHECK (words <> 'hunter2'))")
    ask(stores, "DO $$ BEGIN RAISE WARNING 'hunter2'; END $$")
    for sql in (
        "SELECT 'hunter2'::int",
        "INSERT INTO secret VALUES (1, 'hunter2')",
        "SELECT * FROM hunter2",
        "DO $$ BEGIN RAISE EXCEPTION 'hunter2'; END $$",
    ):
        with pytest.raises(asyncpg.PostgresError):
            ask(stores, sql)
    stores.stop()

    logs = (home / "postgres.log").read_text() + (home / "valkey.log").read_text()
    assert "hunter2" not in logs
    assert "ready to accept connections" in logs


def test_a_cluster_that_cannot_start_says_why_and_frees_the_folder(home: Path) -> None:
    stack.start(home, database=True, redis=True).stop()
    (home / "postgres-18" / "global" / "pg_control").unlink()

    with pytest.raises(StackError, match=r"PostgreSQL did not start: .*pg_control"):
        stack.start(home, database=True, redis=True)
    assert lock.holder(home) is None
    assert servers(home) == []


def test_only_the_owner_of_the_folder_reaches_a_socket(home: Path) -> None:
    stores = stack.start(home, database=True, redis=True)
    sockets = [path for path in (home / "run").iterdir() if path.is_socket()]

    assert len(sockets) == 2
    assert {path.stat().st_mode & 0o077 for path in sockets} == {0}
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", 5432))
    stores.stop()
