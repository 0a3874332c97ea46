"""What goes wrong, and when: a schedule that follows from its seed, and the hands that carry it out.

Each fault heals after a few seconds and is noted when it begins and when it is over.
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from history import History
from stack import Site

from proxy import Proxy

ENDS_WITHIN_S = 35.0  # promised for an instance that is told to stop


class Fault(msgspec.Struct, frozen=True):
    """`kind` at instance `where` (-1: both) for `lasts_s`, begun `after_s` after the one before was over."""

    kind: str
    where: int
    lasts_s: float
    after_s: float

    @property
    def name(self) -> str:
        return self.kind if self.where < 0 else f"{self.kind}@{self.where}"


def schedule(seed: int, seconds: float, *, instances: int = 2) -> list[Fault]:
    """Faults for so many seconds: every kind once before any comes again, in an order of the seed's."""
    rng = random.Random(seed)
    left: list[str] = []
    plan: list[Fault] = []
    planned_s = 0.0
    while planned_s < seconds:
        if not left:
            left = list(FAULTS)
            rng.shuffle(left)
        kind = left.pop()
        where = -1 if kind in _EVERYWHERE else rng.randrange(instances)
        if kind in _EITHER and rng.random() < 0.4:
            where = -1
        fault = Fault(kind, where, rng.uniform(*_LASTS_S[kind]), rng.uniform(0.3, 2.0))
        plan.append(fault)
        planned_s += fault.lasts_s + fault.after_s + _COSTS_S.get(kind, 0.0)
    return plan


class Nemesis:
    """Carries out a schedule. `stops`: how many seconds (None: never) it took who was told to stop."""

    def __init__(self, site: Site, history: History) -> None:
        self.site = site
        self.stops: list[float | None] = []
        self.commits_cut = 0
        self.note = history.add

    async def run(self, plan: list[Fault], until: Callable[[], bool]) -> None:
        """One fault after the other, until `until` or the end of the plan; returns when all is healed."""
        for fault in plan:
            await asyncio.sleep(fault.after_s)
            if until():
                return
            self.note("fault", what=fault.name, about=int(fault.lasts_s * 1000))
            await FAULTS[fault.kind](self, fault)
            if fault.kind == "commit-reset":
                self.note("commits_cut", about=self.commits_cut)
            if fault.kind not in _ENDS_INSTANCES:  # the network and the stores are well from now on
                self.note("heal", what=fault.name)
            await asyncio.gather(*(node.ready() for node in self.site.nodes))
            if fault.kind in _ENDS_INSTANCES:
                self.note("heal", what=fault.name)

    def those(self, links: list[Proxy], fault: Fault) -> list[Proxy]:
        """The links this fault is about."""
        return links if fault.where < 0 else [links[fault.where]]

    def numbers(self, fault: Fault) -> list[int]:
        """The instances this fault is about."""
        return list(range(len(self.site.nodes))) if fault.where < 0 else [fault.where]


Act = Callable[[Nemesis, Fault], Awaitable[None]]


async def _kill(nemesis: Nemesis, fault: Fault) -> None:
    nodes = [nemesis.site.nodes[number] for number in nemesis.numbers(fault)]
    for node in nodes:
        node.held = True
        node.kill()
    await asyncio.sleep(fault.lasts_s)
    for node in nodes:
        node.spawn()
        node.held = False


async def _stop(nemesis: Nemesis, fault: Fault) -> None:
    nodes = [nemesis.site.nodes[number] for number in nemesis.numbers(fault)]
    for node in nodes:
        node.held = True
        assert node.process is not None
        node.process.send_signal(signal.SIGTERM)
    for took_s in await asyncio.gather(*(node.ended(within_s=ENDS_WITHIN_S + 10) for node in nodes)):
        nemesis.stops.append(took_s)
        nemesis.note("stopped", about=int((took_s or 0) * 1000))
    await asyncio.sleep(fault.lasts_s)
    for node in nodes:
        node.spawn()
        node.held = False


async def _end(number: signal.Signals, nemesis: Nemesis, fault: Fault, *, store: str) -> None:
    servers = nemesis.site.servers
    stores = ("postgres", "redis") if store == "both" else (store,)
    await asyncio.gather(*(servers.end(each, number) for each in stores))  # type: ignore[arg-type]
    await asyncio.sleep(fault.lasts_s)
    for each in stores:
        await servers.start_again(each)  # type: ignore[arg-type]


async def _freeze(nemesis: Nemesis, fault: Fault, *, which: str) -> None:
    kinds = ("postgres", "redis") if which == "both" else (which,)
    links = [link for kind in kinds for link in nemesis.those(getattr(nemesis.site, kind), fault)]
    for link in links:
        link.freeze()
    await asyncio.sleep(fault.lasts_s)
    for link in links:
        link.heal()


async def _black_hole(nemesis: Nemesis, fault: Fault, *, which: str) -> None:
    """Frozen, and when the network is back it knows nothing of the connections of before."""
    links = nemesis.those(getattr(nemesis.site, which), fault)
    for link in links:
        link.freeze()
    await asyncio.sleep(fault.lasts_s)
    for link in links:
        link.reset()
        link.heal()


async def _cut(nemesis: Nemesis, fault: Fault, *, which: str) -> None:
    links = nemesis.those(getattr(nemesis.site, which), fault)
    for link in links:
        link.cut()
    await asyncio.sleep(fault.lasts_s)
    for link in links:
        link.heal()


async def _reset(nemesis: Nemesis, fault: Fault, *, which: str) -> None:
    """Again and again, for as long as it lasts."""
    for _ in range(max(1, int(fault.lasts_s / 0.4))):
        for link in nemesis.those(getattr(nemesis.site, which), fault):
            link.reset()
        await asyncio.sleep(0.4)


async def _strand(nemesis: Nemesis, fault: Fault) -> None:
    for link in nemesis.those(nemesis.site.clients, fault):
        link.strand()
    await asyncio.sleep(fault.lasts_s)


async def _slow(nemesis: Nemesis, fault: Fault, *, which: str, delay_s: float) -> None:
    links = nemesis.those(getattr(nemesis.site, which), fault)
    for link in links:
        link.delay_s = delay_s
    await asyncio.sleep(fault.lasts_s)
    for link in links:
        link.heal()


async def _commit(nemesis: Nemesis, fault: Fault) -> None:
    """The connection breaks before a batch is heard, when it was, and when its answer is on its way."""
    links = nemesis.those(nemesis.site.postgres, fault)
    for link in links:
        link.spring("after", "before", "amid", "after", "amid")
    await asyncio.sleep(fault.lasts_s)
    for link in links:
        link.heal()
        nemesis.commits_cut += link.sprung
        link.sprung = 0


async def _both_ways(nemesis: Nemesis, fault: Fault) -> None:
    """One instance is killed while the other does not reach Redis."""
    other = msgspec.structs.replace(fault, where=(fault.where + 1) % len(nemesis.site.nodes))
    await asyncio.gather(_kill(nemesis, fault), _freeze(nemesis, other, which="redis"))


FAULTS: dict[str, Act] = {
    "instance-kill": _kill,
    "instances-kill": _kill,
    "instance-term": _stop,
    "kill-and-black-hole": _both_ways,
    "redis-kill": partial(_end, signal.SIGKILL, store="redis"),
    "redis-restart": partial(_end, signal.SIGTERM, store="redis"),
    "redis-freeze": partial(_freeze, which="redis"),
    "redis-black-hole": partial(_black_hole, which="redis"),
    "redis-reset": partial(_reset, which="redis"),
    "postgres-kill": partial(_end, signal.SIGKILL, store="postgres"),
    "postgres-crash": partial(_end, signal.SIGQUIT, store="postgres"),
    "postgres-restart": partial(_end, signal.SIGINT, store="postgres"),
    "postgres-slow": partial(_slow, which="postgres", delay_s=0.1),
    "postgres-freeze": partial(_freeze, which="postgres"),
    "postgres-reset": partial(_reset, which="postgres"),
    "postgres-black-hole": partial(_black_hole, which="postgres"),
    "commit-reset": _commit,
    "both-stores-kill": partial(_end, signal.SIGKILL, store="both"),
    "both-stores-freeze": partial(_freeze, which="both"),
    "clients-half-open": _strand,
    "clients-freeze": partial(_freeze, which="clients"),
    "clients-cut": partial(_cut, which="clients"),
    "clients-slow": partial(_slow, which="clients", delay_s=0.15),
}
_EVERYWHERE = {
    "commit-reset", "instances-kill", "redis-kill", "redis-restart", "both-stores-kill",
    "postgres-kill", "postgres-crash", "postgres-restart",
}  # fmt: skip
_EITHER = {
    "redis-freeze", "redis-black-hole", "postgres-slow", "postgres-freeze", "postgres-reset",
    "both-stores-freeze", "clients-half-open", "clients-slow",
}  # fmt: skip
_ENDS_INSTANCES = {"instance-kill", "instances-kill", "instance-term", "kill-and-black-hole"}
_COSTS_S = {"instance-kill": 2.5, "instances-kill": 3.0, "instance-term": 4.0, "kill-and-black-hole": 2.5}
_SHORT_S, _LONG_S = (0.1, 1.0), (2.0, 4.0)
_LASTS_S = {kind: _LONG_S for kind in FAULTS} | {
    kind: _SHORT_S
    for kind in (
        "instance-kill", "instances-kill", "instance-term", "postgres-kill", "postgres-crash", "postgres-restart",
        "redis-restart",
    )
}  # fmt: skip
