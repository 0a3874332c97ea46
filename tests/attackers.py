"""Attackers as processes of their own, and what somebody else on the attacked instance feels of them.

Attacker, server and neighbour share the machine's cores, so whatever keeps a core busy makes the neighbour wait. What
is compared is therefore the attack with its `rehearsal`: the same attacker does the same to a server that throws all
of it away. What is left of the difference is what the attacked process itself does to its other clients.
"""

import asyncio
import multiprocessing
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from statistics import quantiles
from typing import NamedTuple

from hostile import Neighbour, foe
from raw_websocket import CLOSE
from servers import eventually

Strike = Callable[[], Awaitable[None]]

WINDOW, WINDOWS = 50, 4  # samples in each of so many windows, rehearsals and attacks in turns: 200 of each
LOOKS_AT_MOST = 5
TICK_S = 0.004  # of a kernel at 250 Hz: who wants to run may wait so long for a core, whoever else is there
_AGAIN_S = 0.05
_IDLE_S = 0.002
_SINK_ANSWERS_AFTER = 16 * 1024
_SPAWN = multiprocessing.get_context("spawn")
_NOTHING, _REHEARSAL, _ATTACK = range(3)


class Port(NamedTuple):
    """A place to attack."""

    port: int


async def flood(port: int, octets: bytes) -> None:
    """A new socket says all this and goes as soon as it is told why it must: that it was too fast."""
    async with foe(Port(port)) as raw:
        sending = asyncio.create_task(raw.send(octets))
        while (one := await raw.hear()) is not None and one.opcode != CLOSE:
            pass
        sending.cancel()
    assert one is not None
    assert one.data[:2] == struct.pack("!H", 4429), one.data


async def flood_nobody(octets: bytes) -> None:
    """The same with a server that reads, throws away and hangs up."""
    async with _sink() as port:
        await flood(port, octets)


@asynccontextmanager
async def _sink() -> AsyncIterator[int]:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await reader.readexactly(_SINK_ANSWERS_AFTER)
        writer.write(b"\x88\x02" + struct.pack("!H", 4429))
        while await reader.read(65_536):
            pass
        writer.transport.abort()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


class Attacker:
    """Strikes again and again while it is told to."""

    def __init__(
        self, order: "Synchronized[int]", done: "Synchronized[int]", alive: Callable[[], bool]
    ) -> None:
        self._order, self._done, self._alive = order, done, alive

    @asynccontextmanager
    async def at(self, order: int) -> AsyncIterator[None]:
        """While it strikes; the last strike is over when this is."""
        self._order.value, before = order, self._done.value
        await eventually(lambda: self._done.value > before or not self._alive())
        yield
        self._order.value, before = _NOTHING, self._done.value
        await eventually(lambda: self._done.value > before or not self._alive())
        assert self._alive(), "an attack did not go as it should: see what it printed"


@contextmanager
def attacking(attack: Strike, rehearsal: Strike) -> Iterator[Attacker]:
    """A process of its own; both must be picklable."""
    order, done = _SPAWN.Value("i", _NOTHING), _SPAWN.Value("i", 0)
    process = _SPAWN.Process(target=_obey, args=(attack, rehearsal, order, done), daemon=True)
    process.start()
    try:
        yield Attacker(order, done, process.is_alive)
    finally:
        process.kill()
        process.join()


def flooding(port: int, octets: bytes) -> tuple[Strike, Strike]:
    """For `attacking`."""
    return partial(flood, port, octets), partial(flood_nobody, octets)


def _obey(attack: Strike, rehearsal: Strike, order: "Synchronized[int]", done: "Synchronized[int]") -> None:
    async def obey() -> None:
        while True:
            wanted = order.value
            if wanted == _NOTHING:
                await asyncio.sleep(_IDLE_S)
            else:
                await (attack if wanted == _ATTACK else rehearsal)()
                await asyncio.sleep(_AGAIN_S)
            done.value += 1

    asyncio.run(obey())


class Look(NamedTuple):
    """The 99th of a hundred waits in seconds, beside a rehearsal and beside the attack."""

    rehearsed: float
    attacked: float

    @property
    def is_unaffected(self) -> bool:
        return self.attacked <= 2 * self.rehearsed + TICK_S


async def looks(attacker: Attacker, neighbour: Neighbour) -> list[Look]:
    """Looks until the neighbour was unaffected, five times at most.

    Other test runs on the same two cores spoiled one look in eighteen; a server that makes others wait does so at each.
    """
    taken: list[Look] = []
    while len(taken) < LOOKS_AT_MOST and not (taken and taken[-1].is_unaffected):
        waits: dict[int, list[float]] = {_REHEARSAL: [], _ATTACK: []}
        for _ in range(WINDOWS):
            for order, waited in waits.items():
                async with attacker.at(order):
                    waited += await neighbour.waits(WINDOW)
        taken.append(Look(*(quantiles(waited, n=100)[98] for waited in waits.values())))
    return taken
