"""What a neighbour feels of hostile clients: how long its acknowledgements take, quiet and beside each flood, in turns.

Attacker, neighbour and server are processes of their own; one more row shows what a process that only computes costs.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import accounting

from floods import FLOODS, OPEN_DOOR
from hostile import Neighbour, attacked, hello
from peers import peer
from servers import Instance, eventually

RESULTS = Path(__file__).parent / "results" / "neighbour.md"
COMPUTING = "a process that only computes"
SLOW_HANDS = "100 sockets that never say hello"
_SPAWN = multiprocessing.get_context("spawn")
_AGAIN_S = 0.1  # one address may shake hands ten times a second


def main() -> int:
    """The command line."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="nura-bench-") as folder:
        instance = Instance(Path(folder), OPEN_DOOR).start()
        try:
            text = asyncio.run(_measured(instance, given.rounds, given.samples))
        finally:
            instance.stop(within_s=60)
    sys.stdout.write(f"{text}\n")
    if given.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text)
    return 0


async def _measured(instance: Instance, rounds: int, samples: int) -> str:
    lines = [
        "# Hostile clients: what a neighbour feels\n",
        f"`make bench-neighbour`: {rounds} rounds, in each {samples} acknowledgements in quiet and {samples} beside "
        "the attack, which begins anew ten times a second; the middle of the rounds.\n",
        f"{accounting.machine()}; server, neighbour and attacker share these cores.\n",
        "| attack | attacks/s | quiet p50 / p99 ms | beside it p50 / p99 ms | p99 to quiet |",
        "| --- | --- | --- | --- | --- |",
    ]
    async with peer(instance, "neighbour") as client:
        neighbour = Neighbour(client, await client.open_conversation())
        await neighbour.waits(samples)  # warm
        for name in (COMPUTING, *FLOODS, SLOW_HANDS):
            rows = [await _round(instance, neighbour, name, samples) for _ in range(rounds)]
            lines.append(_line(name, rows))
            sys.stderr.write(f"{lines[-1]}\n")
    return "\n".join(lines) + "\n"


async def _round(instance: Instance, neighbour: Neighbour, name: str, samples: int) -> dict[str, float]:
    quiet = await neighbour.waits(samples)
    with _attacking(instance.port, name) as ended:
        await eventually(lambda: ended.value)
        began, before = time.perf_counter(), ended.value
        beside = await neighbour.waits(samples)
        per_s = (ended.value - before) / (time.perf_counter() - began)
    await asyncio.sleep(0.3)
    (q50, q99), (b50, b99) = _ms(quiet), _ms(beside)
    return {"per_s": per_s, "q50": q50, "q99": q99, "b50": b50, "b99": b99, "ratio": b99 / q99}


def _ms(waits: list[float]) -> tuple[float, float]:
    cuts = quantiles(waits, n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


def _line(name: str, rows: list[dict[str, float]]) -> str:
    mid = {key: median(row[key] for row in rows) for key in rows[0]}
    spread = f"{min(row['ratio'] for row in rows):.2f}-{max(row['ratio'] for row in rows):.2f}"
    return (
        f"| {name} | {mid['per_s']:.1f} | {mid['q50']:.1f} / {mid['q99']:.1f} | {mid['b50']:.1f} / {mid['b99']:.1f} "
        f"| {mid['ratio']:.2f}x ({spread}) |"
    )


@contextmanager
def _attacking(port: int, name: str) -> Iterator["Synchronized[int]"]:
    """A process of its own; the value counts attacks that are over."""
    ended = _SPAWN.Value("i", 0)
    process = _SPAWN.Process(target=_attack, args=(port, name, ended), daemon=True)
    process.start()
    try:
        yield ended
    finally:
        process.kill()
        process.join()


def _attack(port: int, name: str, ended: "Synchronized[int]") -> None:
    if name == COMPUTING:
        _compute(ended)
    place: Any = _Place(port)
    if name == SLOW_HANDS:
        asyncio.run(_hold(place, ended))
    octets = hello("foe") + FLOODS[name]()
    asyncio.run(_flood(lambda: attacked(place, octets), ended))


class _Place:
    """What `attacked` needs to know of an instance."""

    def __init__(self, port: int) -> None:
        self.port = port


async def _flood(attack: Callable[[], Any], ended: "Synchronized[int]") -> None:
    while True:
        found = await attack()
        assert found.code == 4429, found.code
        ended.value += 1
        await asyncio.sleep(_AGAIN_S)


async def _hold(place: Any, ended: "Synchronized[int]") -> None:
    async def one() -> None:
        while True:
            await attacked(place)  # the server hangs up after five seconds
            ended.value += 1

    ended.value += 1
    await asyncio.gather(*(one() for _ in range(100)))


def _compute(ended: "Synchronized[int]") -> None:
    while True:
        began = time.perf_counter()
        while time.perf_counter() - began < 0.05:
            sum(range(1000))
        ended.value += 1
        time.sleep(_AGAIN_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--samples", type=int, default=300, help="acknowledgements in each half of a round")
    parser.add_argument("--write", action="store_true", help="keep the table in results/neighbour.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
