"""Valkey servers of a test's own: one that can be killed and started again, and clusters of them."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from nura_rt.cache import slots
from nura_rt.embedded import valkey
from servers import free_port

_READY_WITHIN_S = 30.0
_SLOTS = 16_384


class Server:
    """One `valkey-server` on a port of loopback. `url` is how clients reach it, `eyes` an administrator's client."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.eyes = Redis(port=self.port, socket_timeout=10)
        self._folder = folder
        self._options = {
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "loglevel": "warning",
            **options,
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it answers."""
        self._spawn()
        await self._answering()

    def _spawn(self) -> None:
        self._folder.mkdir(exist_ok=True)
        words = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([str(valkey.find_binary()), *words], stdout=log, stderr=log)

    async def _answering(self) -> None:
        async with asyncio.timeout(_READY_WITHIN_S):
            while True:
                try:
                    await self.eyes.ping()
                except RedisError:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def kill(self) -> None:
        """SIGKILL: what it held in memory is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        await self.eyes.connection_pool.disconnect()

    async def stop(self) -> None:
        """For good."""
        await self.kill()
        await self.eyes.aclose()

    async def command(self, *words: Any) -> Any:
        """The reply to one command, as an administrator."""
        return await self.eyes.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's

    async def listeners(self, channel: str) -> int:
        """How many connections listen to this channel here."""
        verb = "SHARDNUMSUB" if "cluster-enabled" in self._options else "NUMSUB"
        (told,) = await self.command(f"PUBSUB {verb}", channel)  # a pair for each channel
        return int(told[1])


@asynccontextmanager
async def server(folder: Path, **options: str) -> AsyncIterator[Server]:
    """A Valkey of one's own, ended with the block."""
    one = Server(folder, **options)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


class Cluster:
    """Masters that share all slots evenly, and maybe a replica of the first."""

    def __init__(self, masters: list[Server], replica: Server | None) -> None:
        self.masters = masters
        self.replica = replica
        self.url = masters[0].url

    @property
    def servers(self) -> list[Server]:
        """Every one of them."""
        return [*self.masters, *([self.replica] if self.replica else [])]

    async def form(self) -> None:
        """Hands out the slots, makes them know each other, and returns when all agree."""
        each = -(-_SLOTS // len(self.masters))
        for number, master in enumerate(self.masters):
            first = number * each
            await master.command("CLUSTER ADDSLOTSRANGE", first, min(first + each, _SLOTS) - 1)
        await self._meet()
        if self.replica is not None:
            name = (await self.masters[0].command("CLUSTER MYID")).decode()
            await self.replica.command("CLUSTER REPLICATE", name)
            await self._until(self.replica, "INFO replication", "master_link_status", "up")
        await self.agreed()

    async def _meet(self) -> None:
        first, *others = self.servers
        for other in others:
            port, bus = other.port, other._options["cluster-port"]
            await first.command("CLUSTER MEET", "127.0.0.1", port, bus)
        for one in self.servers:
            await self._until(one, "CLUSTER INFO", "cluster_known_nodes", str(len(self.servers)))

    async def agreed(self) -> None:
        """Returns when every master says that all slots are served."""
        for one in self.masters:
            await self._until(one, "CLUSTER INFO", "cluster_state", "ok")
            await self._until(one, "CLUSTER INFO", "cluster_slots_ok", str(_SLOTS))

    async def _until(self, one: Server, question: str, name: str, value: str) -> None:
        async with asyncio.timeout(_READY_WITHIN_S):
            while True:
                reply = await one.command(question)
                facts = reply if isinstance(reply, dict) else _facts(reply)
                if str(facts.get(name)) == value:
                    return
                await asyncio.sleep(0.02)

    async def owner(self, channel: str) -> Server:
        """Who serves this Redis channel or key now."""
        found = slots.read(await self.masters[0].command("CLUSTER SLOTS"), asked="127.0.0.1")
        node = found.node_of(channel.encode())
        assert node is not None
        return next(one for one in self.servers if one.port == node.port)

    async def migrate(self, channel: str, to: Server) -> None:
        """Moves the (keyless) slot of this channel; every master is told."""
        slot, name = slots.slot_of(channel.encode()), (await to.command("CLUSTER MYID")).decode()
        old = await self.owner(channel)
        for one in (to, old, *(other for other in self.masters if other not in (to, old))):
            await one.command("CLUSTER SETSLOT", slot, "NODE", name)


def _facts(text: bytes | str) -> dict[str, str]:
    told = text.decode() if isinstance(text, bytes) else text
    return dict(line.split(":", 1) for line in told.splitlines() if ":" in line)


@asynccontextmanager
async def cluster(folder: Path, *, masters: int = 3, replica: bool = False) -> AsyncIterator[Cluster]:
    """A cluster of one's own, agreed; ended with the block. A dead node leaves the others at work."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(
                server(
                    folder / f"node-{number}",
                    **{
                        "cluster-enabled": "yes",
                        "cluster-port": str(free_port()),
                        "cluster-node-timeout": "1000",
                        "cluster-require-full-coverage": "no",
                        "cluster-replica-validity-factor": "0",
                    },
                )
            )
            for number in range(masters + replica)
        ]
        made = Cluster(servers[:masters], servers[masters] if replica else None)
        await made.form()
        yield made
