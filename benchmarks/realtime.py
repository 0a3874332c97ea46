"""What a durable message, a delivery and an idle connection cost, beside peers, in interleaved rounds.

Figures are on-CPU time of the server's processes: they bear a busy machine better than rates do.
"""

import argparse
import asyncio
import os
import shlex
import signal
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import contestants
import generator
import hot_path
import report
import storage
from contestants import ALL, CannotMeasure, Contestant
from generator import Load, Sample

MESSAGE = Load("message", rooms=64, listeners=10, window=1)
STEADY = Load("steady", rooms=64, listeners=10, rate=100)
FANOUT = Load("fanout", rooms=1, listeners=1000, rate=15)
MEMORY = Load("memory", rooms=100, listeners=20, idle=True)
LOADS = {load.title: load for load in (MESSAGE, STEADY, FANOUT, MEMORY)}
RESULTS = contestants.HERE / "results" / "realtime.md"


class Bench:
    """Everything that stays the same between measurements."""

    def __init__(self, stores: storage.Storage, program: Path, folder: Path, seconds: float) -> None:
        self._stores = stores
        self._program = program
        self._folder = folder
        self._seconds = seconds
        self.samples: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        self.memory: dict[str, list[float]] = defaultdict(list)

    def measure(self, one: Contestant, loads: list[Load]) -> None:
        """One round of one contestant. Each load has a server of its own: what one leaves undone costs the next."""
        for load in loads:
            url = self._database(one)
            with contestants.running(one, self._stores, url, self._folder) as server:
                self._run(one, server, url, load)

    def profile(self, one: Contestant, load: Load) -> str:
        """Where the time of one load goes, as a table."""
        out = self._folder / "profile.json"
        alone = ("--alone",) if one.name == "ours-alone" else ()
        command = (sys.executable, str(contestants.HERE / "profiled.py"), str(out), *alone, "serve")
        url = self._database(one)
        with contestants.running(
            Contestant(one.name, one.title, True, command, one.speech), self._stores, url, self._folder
        ) as server:
            rooms = asyncio.run(self._stores.rooms(url, load.rooms, ours=True))
            sample = generator.measure(
                self._program, one, server, rooms, load, self._seconds,
                during=lambda begins: os.kill(server[0], signal.SIGUSR2),
            )  # fmt: skip
        per = report.us_per_frame(sample) if load.rate else report.us_per_message(sample)
        return hot_path.table(out, per_us=per, unit="frame" if load.rate else "message")

    def _database(self, one: Contestant) -> str:
        return asyncio.run(self._stores.ours() if one.ours else self._stores.peers())

    def _run(self, one: Contestant, server: tuple[int, int], url: str, load: Load) -> None:
        rooms = asyncio.run(self._stores.rooms(url, load.rooms, ours=one.ours))
        if load.idle:
            self.memory[one.name].append(generator.idle_kib(self._program, one, server, rooms, load))
            return
        sample = generator.measure(self._program, one, server, rooms, load, self._seconds)
        self.samples[load.title][one.name].append(sample)
        _say(f"{one.name:11} {load.title:8} {report.us_per_row(sample):7.1f} us/row"
             f" {report.us_per_frame(sample):6.1f} us/frame")  # fmt: skip


def main() -> int:
    """The command line. 2 when something it needs is missing."""
    given = _arguments()
    try:
        text = _bench(given)
    except CannotMeasure as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _say(f"\n{text}")
    if given.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text)
        _say(f"written to {RESULTS.relative_to(contestants.ROOT)}")
    return 0


def _bench(given: argparse.Namespace) -> str:
    if not Path("/proc/self/schedstat").exists():
        raise CannotMeasure("costs are read from /proc/*/schedstat, which only Linux has")
    those = _chosen(given.peers)
    for one in those:
        contestants.install(one.needs)
    with ExitStack() as stack:
        program = stack.enter_context(generator.compiled())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nura-bench-")))
        stores = stack.enter_context(storage.serving(folder))
        bench = Bench(stores, program, folder, given.seconds)
        loads = _loads(given.loads)
        if given.profile:
            mine = [one for one in those if one.ours]
            busy = [load for load in loads if not load.idle]
            return "\n".join(
                f"### {one.title}: {load.title}\n\n{bench.profile(one, load)}"
                for load in busy
                for one in mine
            )
        for number in range(given.rounds):
            _say(f"round {number + 1} of {given.rounds}")
            for one in those:
                bench.measure(one, loads)
        return _text(bench, given)


def _text(bench: Bench, given: argparse.Namespace) -> str:
    command = shlex.join(["python", "benchmarks/realtime.py", *sys.argv[1:]])
    parts = ["# Realtime: what it costs\n", report.facts(command, given.rounds, given.seconds)]
    if measured := bench.samples.get("message"):
        parts += [
            "## A durable message\n\n64 conversations, 10 listeners each, one unacknowledged message in each "
            "(64 in flight). Decoded, committed, through Redis, to 10 listeners, acknowledged.\n",
            report.message_table(measured),
        ]
    if measured := bench.samples.get("steady"):
        parts += [
            "## A message and its reply\n\nThe same conversations at 100 messages/s in all: few enough for the "
            "replies to keep up on a quiet machine (then rows/msg is 2). Mostly the price of waking up.\n",
            report.message_table(measured),
        ]
    if measured := bench.samples.get("fanout"):
        parts += ["## A delivery\n\n15 messages/s to 1000 listeners.\n", report.fanout_table(measured)]
    if bench.memory:
        parts += ["## An idle connection\n\n2000 of them, subscribed.\n", report.memory_table(bench.memory)]
    doubts = [
        f"{load}: {doubt}" for load, samples in bench.samples.items() for doubt in report.warnings(samples)
    ]
    if doubts:
        parts.append("Doubts:\n" + "".join(f"- {doubt}\n" for doubt in doubts))
    return "\n".join(parts)


def _chosen(names: str) -> list[Contestant]:
    """`ours` brings `ours-alone`, which is what the peers compare with."""
    wanted = names.replace(" ", "").split(",")
    if "ours" in wanted and "ours-alone" not in wanted:
        wanted.insert(wanted.index("ours") + 1, "ours-alone")
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        raise CannotMeasure(f"there is no peer {', '.join(unknown)}; there are {', '.join(ALL)}")
    return [ALL[name] for name in wanted]


def _loads(names: str) -> list[Load]:
    unknown = [name for name in names.split(",") if name not in LOADS]
    if unknown:
        raise CannotMeasure(f"there is no load {', '.join(unknown)}; there are {', '.join(LOADS)}")
    return [LOADS[name] for name in names.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turns")
    parser.add_argument("--peers", default="ours,socketio,fastapi", help=f"of {', '.join(ALL)}")
    parser.add_argument("--loads", default=",".join(LOADS), help="which loads")
    parser.add_argument(
        "--seconds", type=float, default=8, help="of each measurement, after 2 s of warming up"
    )
    parser.add_argument("--profile", action="store_true", help="instead: where our own time goes")
    parser.add_argument("--write", action="store_true", help="keep the tables in results/realtime.md")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
