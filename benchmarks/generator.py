"""Runs the load generator (loadgen.c, compiled here) and reads the server's costs in the moments it names."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import accounting
import msgspec
from contestants import HERE, INSTALLED, CannotMeasure, Contestant
from storage import Room

_IDLE_FOR_S = 6.0
_SETTLED_AFTER_S = 3.0


class Load(msgspec.Struct, frozen=True):
    """What is asked: `window` unacknowledged messages per sender in a closed loop, or `rate` messages/s in all."""

    title: str
    rooms: int
    listeners: int  # in each room; the first connection of a room is its sender
    window: int = 0
    rate: float = 0
    idle: bool = False


class Heard(msgspec.Struct, frozen=True):
    """The generator's own account; `all_` counts from the first message on, the rest only what was measured."""

    elapsed_s: float
    sent: int
    acks: int
    deliveries: int
    replies: int
    others: int
    bytes: int
    all_sent: int
    all_acks: int
    all_deliveries: int
    errors: int
    lost: int
    ack_p50_ms: float
    ack_p99_ms: float
    delivery_p50_ms: float
    delivery_p99_ms: float
    generator_cpu_s: float


class Sample(msgspec.Struct, frozen=True):
    """One measurement: what was heard, and on-CPU seconds meanwhile."""

    heard: Heard
    server_s: float
    postgres_s: float
    redis_s: float
    listeners: int

    @property
    def rows(self) -> float:
        """Durable rows: each message, and the replies that were kept (every listener hears each once)."""
        return self.heard.acks + self.heard.replies / self.listeners

    @property
    def frames(self) -> int:
        """Every frame that went to a listener of a room."""
        return self.heard.deliveries + self.heard.replies + self.heard.others

    @property
    def complete(self) -> float:
        """Share of the deliveries that acknowledged messages called for, 1.5 s after the last send."""
        return self.heard.all_deliveries / max(1, self.heard.all_acks * self.listeners)


@contextmanager
def compiled() -> Iterator[Path]:
    """The load generator's program. Raises CannotMeasure without a C compiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise CannotMeasure(
            "the load generator is written in C and there is no compiler: install gcc or clang"
        )
    with tempfile.TemporaryDirectory(prefix="nura-loadgen-") as folder:
        program = Path(folder) / "loadgen"
        command = [compiler, "-O2", "-o", str(program), str(HERE / "loadgen.c")]
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own file
        if told.returncode:
            raise CannotMeasure(f"loadgen.c does not compile here:\n{told.stderr[:1000]}")
        yield program


def measure(
    program: Path,
    one: Contestant,
    server: tuple[int, int],
    rooms: list[Room],
    load: Load,
    seconds: float,
    during: Callable[[bool], None] = lambda begins: None,
) -> Sample:
    """One run against the server (process id, port); `during` is told its beginning and its end."""
    pid, port = server
    before: list[accounting.Spent] = []
    used: list[float] = []
    heard: Heard | None = None

    def groups() -> list[list[int]]:
        return [accounting.tree(pid), accounting.named("postgres"), accounting.named("valkey-server")]

    for line in _lines(program, one, port, rooms, load, seconds):
        if line == "BEGIN":
            during(True)
            before = [accounting.spent(pids) for pids in groups()]
        elif line == "END":
            now = [accounting.spent(pids) for pids in groups()]
            used = [accounting.seconds_between(was, then) for was, then in zip(before, now, strict=True)]
            during(False)
        elif line.startswith("{"):
            heard = msgspec.json.decode(line, type=Heard)
    if heard is None or not used:
        raise CannotMeasure(f"{one.title}: the load generator ended without a figure")
    return Sample(heard, used[0], used[1], used[2], load.listeners)


def idle_kib(program: Path, one: Contestant, server: tuple[int, int], rooms: list[Room], load: Load) -> float:
    """Memory that each idle, subscribed connection adds to the server."""
    pid, port = server
    before = accounting.memory_kib(accounting.tree(pid))
    after = before
    for line in _lines(program, one, port, rooms, load, _IDLE_FOR_S):
        if line == "READY":
            time.sleep(_SETTLED_AFTER_S)
            after = accounting.memory_kib(accounting.tree(pid))
    return (after - before) / (load.rooms * load.listeners)


def _lines(
    program: Path, one: Contestant, port: int, rooms: list[Room], load: Load, seconds: float
) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", prefix="rooms-") as file:
        file.writelines(f"{room.id}\t{room.token}\n" for room in rooms)
        file.flush()
        numbers = {
            "port": port,
            "conns": load.rooms * load.listeners,
            "senders": load.rooms,
            "window": load.window,
            "rate": load.rate,
            "seconds": seconds,
            "warm": 2,
            "idle": int(load.idle),
        }
        arguments = [part for name, value in numbers.items() for part in (f"--{name}", str(value))]
        command = [str(program), *arguments, "--rooms-file", file.name, *one.speech]
        INSTALLED.mkdir(exist_ok=True)
        complaints = INSTALLED / "loadgen.log"
        with complaints.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - compiled above
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert process.stdout is not None
        with process.stdout:
            yield from map(str.strip, process.stdout)
        if process.wait():
            raise CannotMeasure(f"{one.title}: {complaints.read_text()[-500:]}")
