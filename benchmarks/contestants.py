"""Who is measured: how each is installed and started, and how the load generator speaks with it.

The wire content is the same for all: the same fields in `message` and in the ack, except that ours has a seq.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import storage

from nura_rt.variables import LIMITS, SettingsError, Variable

HERE = Path(__file__).parent
ROOT = HERE.parent
INSTALLED = HERE / ".peers"
_NOT_RATES = ("BYTES", "CHARS", "UNACKED", "SUBSCRIPTIONS", "REPLAY")
_GENEROUS = ("1000000", "100000", "10000", "1000")
_NOT_PASSED_ON = ("NURA_", "LIMIT_", "SUPABASE_", "REDIS_")


class CannotMeasure(Exception):
    """Something a measurement needs is not here; the message says what and how to get it."""


class Contestant(msgspec.Struct, frozen=True):
    """One server under load. `speech` are the load generator's arguments."""

    name: str
    title: str
    ours: bool
    command: tuple[str, ...]
    speech: tuple[str, ...]
    needs: str = ""  # "node" or "python": what must be installed first


_OUR_SPEECH = (
    "--path", "/v1/socket", "--subprotocol", "nura.v1",
    "--open", '{"type":"hello","token":"{token}"}',
    "--step", '{"type":"welcome"|{"type":"subscribe","ref":"s","channel":"conversation:{room}"}',
    "--step", '{"type":"subscribed"|',
    "--send", '{"type":"message.send","ref":"{us}","conversation_id":"{room}","client_id":"{us}-{n}","text":"{text}"}',
    "--ack", '"type":"accepted"', "--delivery", '"type":"message"', "--reply", '"role":"assistant"',
)  # fmt: skip
_PLAIN = '{"ref":"{us}","conversation_id":"{room}","client_id":"{us}-{n}","text":"{text}"}'

ALL = {
    one.name: one
    for one in (
        Contestant("ours", "Nura RT, as shipped", True, (sys.executable, "-m", "nura_rt", "serve"), _OUR_SPEECH),
        Contestant(
            "ours-alone", "Nura RT, replies left undone", True,
            (sys.executable, str(HERE / "peers" / "without_reply.py"), "serve"), _OUR_SPEECH,
        ),
        Contestant(
            "socketio", "Socket.IO 4 + redis-adapter + pg", False, ("node", str(HERE / "peers" / "socketio.js")),
            ("--path", "/socket.io/?EIO=4&transport=websocket&room={room}", "--step", "0{|40", "--step", "40{|",
             "--echo", "2|3", "--send", f'42["send",{_PLAIN}]', "--ack", '42["accepted"', "--delivery", '42["message"'),
            needs="node",
        ),
        Contestant(
            "fastapi", "FastAPI + SQLAlchemy + redis-py", False,
            (str(INSTALLED / "venv" / "bin" / "uvicorn"), "fastapi_app:app", "--app-dir", str(HERE / "peers"),
             "--ws", "websockets-sansio", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning",
             "--no-access-log", "--ws-per-message-deflate", "false", "--backlog", "4096"),
            ("--path", "/ws/{room}", "--send", _PLAIN, "--ack", '"type":"accepted"', "--delivery", '"type":"message"'),
            needs="python",
        ),
    )
}  # fmt: skip


def install(needs: str) -> None:
    """Puts a peer's packages, as pinned, under `.peers/`. Raises CannotMeasure."""
    if needs == "node":
        _install_node()
    elif needs == "python":
        _install_python()


@contextmanager
def running(
    one: Contestant, stores: storage.Storage, database_url: str, folder: Path
) -> Iterator[tuple[int, int]]:
    """The server, ready; gives its process id and port. Raises CannotMeasure when it does not start."""
    port = _free_port()
    log = folder / f"{one.name}.log"
    told = _told(one, stores, database_url, folder, port)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands above
            _with_port(one, port), env=told, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_ready(one, process, port, log)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def raised_limits() -> dict[str, str]:
    """Every limit of a rate or a number, as high as it goes: what is measured is work, not refusal."""
    return {
        one.name: _highest(one)
        for one in LIMITS
        if one.name.startswith("LIMIT_") and not any(word in one.name for word in _NOT_RATES)
    }


def _highest(variable: Variable) -> str:
    for value in _GENEROUS:
        try:
            variable.read({variable.name: value})
        except SettingsError:
            continue
        return value
    return variable.default


def _told(
    one: Contestant, stores: storage.Storage, database_url: str, folder: Path, port: int
) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    if one.ours:
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "NURA_DATA_DIR": str(folder),
            "NURA_PORT": str(port),
            "SUPABASE_DATABASE_URL": database_url,
            "REDIS_URL": stores.redis_url,
            "SUPABASE_JWT_SECRET": storage.SECRET,
            "COMPANION_PACE_S": "0",
            "LOG_LEVEL": "warning",
            "LIMIT_UNACKED": "1000",
            **raised_limits(),
        }
    where = urlsplit(database_url)
    place = dict(parse_qsl(where.query))
    return {
        **kept,
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "PGHOST": place["host"],
        "PGPORT": place["port"],
        "PGUSER": where.username or "postgres",
        "PGDATABASE": where.path[1:],
        "REDIS_URL": stores.redis_url,
        "REDIS_SOCKET": stores.redis_url.removeprefix("unix://"),
        "NODE_PATH": str(INSTALLED / "node" / "node_modules"),
        "NODE_ENV": "production",
    }


def _with_port(one: Contestant, port: int) -> list[str]:
    return [*one.command, "--port", str(port)] if one.needs == "python" else list(one.command)


def _wait_ready(one: Contestant, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if one.ours and httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return
            if not one.ours:
                socket.create_connection(("127.0.0.1", port), 0.5).close()
                return
        except (OSError, httpx.HTTPError):
            pass
        time.sleep(0.05)
    raise CannotMeasure(f"{one.title} does not start:\n{log.read_text()[-2000:]}")


def _install_node() -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        raise CannotMeasure("the peer socketio needs node and npm; without them: --peers ours,fastapi")
    wanted = ("package.json", "package-lock.json")
    _install(
        INSTALLED / "node", wanted, [["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]]
    )


def _install_python() -> None:
    python = str(INSTALLED / "venv" / "bin" / "python")
    commands = [
        [sys.executable, "-m", "venv", "."],
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"],
    ]
    _install(INSTALLED / "venv", ("requirements.txt",), commands)


def _install(folder: Path, wanted: tuple[str, ...], commands: list[list[str]]) -> None:
    """Only when what is pinned has changed since."""
    pinned = "".join((HERE / "peers" / name).read_text() for name in wanted)
    done = folder / "installed"
    if done.exists() and done.read_text() == pinned:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        shutil.copy(HERE / "peers" / name, folder / name)
    for command in commands:
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - above
        if told.returncode:
            raise CannotMeasure(f"{' '.join(command)} failed:\n{told.stderr[-1000:]}")
    done.write_text(pinned)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
