"""A real PgBouncer in transaction mode before the run's PostgreSQL. Where there is none, CI fails and others skip."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nura_rt.embedded import child, folders, privileges
from nura_rt.embedded.privileges import Privileges
from servers import free_port

_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_READY_S = 20.0


def program() -> Path:
    """The PgBouncer of this machine."""
    found = shutil.which("pgbouncer", path=_PLACES)
    if found is not None:
        return Path(found)
    if os.environ.get("CI"):
        pytest.fail("CI must prove transaction pooling: apt install pgbouncer")
    pytest.skip("no PgBouncer here: apt install pgbouncer")


@contextmanager
def pooling(folder: Path, url: str, *, connections: int) -> Iterator[str]:
    """The address of the database of `url` through `connections` server connections, lent by the transaction."""
    binary = program()
    folder.mkdir()
    user = privileges.find(folder, [binary])
    port, login, name = free_port(), urlsplit(url).username, urlsplit(url).path[1:]
    folders.make_private(folder / "pgbouncer", user.uid, user.gid)
    _write(folder / "pgbouncer" / "users", f'"{login}" ""\n', user)
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": folder / "pgbouncer" / "users",
        "pool_mode": "transaction",
        "default_pool_size": connections,
        "max_client_conn": 200,
        "log_connections": 0,
        "log_disconnections": 0,
        **_way_to(url),
    }
    lines = [f"{key} = {value}" for key, value in settings.items()]
    text = "\n".join(["[databases]", f"{name} = {_place_of(url)}", "[pgbouncer]", *lines, ""])
    _write(folder / "pgbouncer" / "ini", text, user)
    log = folders.open_log(folder / "pgbouncer.log")
    try:
        process = child.spawn("PgBouncer", [str(binary), str(folder / "pgbouncer" / "ini")], user, log)
    finally:
        os.close(log)
    try:
        process.wait_ready(lambda: _listens(port), folder / "pgbouncer.log", timeout_s=_READY_S)
        yield f"postgresql://{login}@127.0.0.1:{port}/{name}"
    finally:
        process.stop()


def _place_of(url: str) -> str:
    there, options = urlsplit(url), parse_qs(urlsplit(url).query)
    host = there.hostname or options["host"][0]
    port = there.port or options.get("port", ["5432"])[0]
    return f"host={host} port={port}"


def _way_to(url: str) -> dict[str, object]:
    options = parse_qs(urlsplit(url).query)
    if "sslmode" not in options:
        return {}
    return {"server_tls_sslmode": options["sslmode"][0], "server_tls_ca_file": options["sslrootcert"][0]}


def _write(path: Path, text: str, user: Privileges) -> None:
    path.write_text(text)
    if os.geteuid() == 0:
        os.chown(path, user.uid, user.gid)


def _listens(port: int) -> bool:
    time.sleep(0.02)
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
