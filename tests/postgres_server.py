"""Another PostgreSQL for tests: one that answers on loopback, with TLS where it is given a certificate.

It runs as the user the embedded servers run as, and ends with the thread that started it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from certificates import Shown
from nura_rt.embedded import child, folders, privileges
from nura_rt.embedded.privileges import Privileges
from servers import free_port

_DEBIAN = Path("/usr/lib/postgresql/15/bin")
_READY_S = 60.0


def with_tls() -> Path:
    """Programs of a PostgreSQL that speaks TLS: those of this run, else Debian's 15; CI must have them."""
    given = os.environ.get("NURA_TEST_PG", "").strip()
    binaries = Path(given).resolve() if given else _DEBIAN
    if (binaries / "postgres").exists():
        return binaries
    if os.environ.get("CI"):
        pytest.fail("CI must prove TLS: apt install postgresql-15")
    pytest.skip("the embedded PostgreSQL has no TLS, and there is no other: apt install postgresql-15")


class Server(msgspec.Struct, frozen=True):
    """Where it listens: `socket` is the folder of its unix socket."""

    port: int
    socket: Path
    user: Privileges

    def url(self, user: str, database: str, *, host: str = "127.0.0.1", **options: object) -> str:
        """An address over TCP, without a password."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{user}@{host}:{self.port}/{database}?{query}"

    def socket_url(self, user: str, database: str) -> str:
        """An address over its unix socket."""
        return f"postgresql://{user}@/{database}?host={folders.in_address(self.socket)}&port={self.port}"


@contextmanager
def serving(
    folder: Path, binaries: Path, *, shown: Shown | None = None, superuser: str = "postgres"
) -> Iterator[Server]:
    """A fresh cluster in `folder`, made and served by the programs in `binaries`.

    With `shown` it takes nothing but TLS on 127.0.0.1, without nothing but plain text.
    """
    folder.mkdir(mode=0o755)
    user = privileges.find(folder, [binaries / "postgres"])
    for name in ("run", "cluster"):
        folders.make_private(folder / name, user.uid, user.gid)
    server = Server(free_port(), folder / "run", user)
    cluster = folder / "cluster"
    how = ["--encoding=UTF8", "--no-locale", "--auth=trust"]
    child.run([str(binaries / "initdb"), "-D", str(cluster), "-U", superuser, *how], user)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": str(server.socket),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "64MB",
    }
    if shown is not None:
        options |= {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        _hand_in(shown, cluster, user)
    way = "hostssl" if shown else "hostnossl"
    lines = [f"{way} {database} all 127.0.0.1/32 trust\n" for database in ("all", "replication")]
    (cluster / "pg_hba.conf").write_text("".join(["local all all trust\n", *lines]))
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with _started(folder, [str(binaries / "postgres"), "-D", str(cluster), *flags], user):
        yield server


@contextmanager
def _started(folder: Path, command: list[str], user: Privileges) -> Iterator[None]:
    log = folders.open_log(folder / "postgres.log")
    try:
        process = child.spawn("PostgreSQL", command, user, log)
    finally:
        os.close(log)
    try:
        note = folder / "cluster" / "postmaster.pid"
        process.wait_ready(
            lambda: note.exists() and note.read_text().split("\n")[7:8] in (["ready   "], ["ready"]),
            folder / "postgres.log",
            timeout_s=_READY_S,
        )
        yield
    finally:
        process.stop()


def _hand_in(shown: Shown, cluster: Path, user: Privileges) -> None:
    for source, name in ((shown.certificate, "server.crt"), (shown.key, "server.key")):
        shutil.copyfile(source, cluster / name)
        (cluster / name).chmod(0o600)
        if os.geteuid() == 0:
            os.chown(cluster / name, user.uid, user.gid)
