"""What a run breaks: two instances, their own PostgreSQL and Valkey, and a proxy on every link between them.

The servers are child processes that sync to disk as in production; proxies and clients live in the test process.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

import httpx
from statements import BatchWatch

from nura_rt import settings
from nura_rt.cli.seed import seed
from nura_rt.embedded import folders, leftovers, postgres, privileges, valkey
from nura_rt.embedded.child import Child
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from proxy import Proxy, postgres_socket, postgres_through, redis_socket
from servers import RAISED, Instance, eventually

Store = Literal["postgres", "redis"]
# A replay holds few messages, so that views have to page over REST too; silence is noticed soon.
ENVIRON = {**RAISED, "LIMIT_REPLAY": "40", "HEARTBEAT_S": "2", "PING_INTERVAL_S": "3", "PING_TIMEOUT_S": "3"}
_READY_S = 60.0
_SUPERVISOR_S = 0.2


class Servers:
    """PostgreSQL and Valkey of one folder; each can be ended in any way and started again."""

    def __init__(self, home: Path) -> None:
        given = os.environ.get("NURA_TEST_PG", "").strip()
        self._home = folders.prepare(home)
        self._binaries = Path(given).resolve() if given else postgres.find_binaries()
        self._valkey = valkey.find_binary()
        self._way = privileges.find(self._home, [self._binaries / "postgres", self._valkey])
        self._run = folders.sockets(self._home, self._way.uid, self._way.gid)
        self._children: dict[Store, Child] = {}
        database_url, admin_url = postgres.addresses(self._run)
        self.addresses = Addresses(database_url, admin_url, valkey.address(self._run))

    def start(self, store: Store) -> None:
        """From the main thread (the server ends with it); returns before it is ready."""
        if store == "redis":
            self._children[store] = valkey.start(self._home, self._run, self._valkey, self._way)
        else:
            self._children[store] = postgres.start(self._home, self._run, self._binaries, self._way)

    def wait_ready(self, store: Store) -> None:
        """Returns once it answers; raises StackError."""
        if store == "redis":
            valkey.wait_ready(self._children[store], self._home, self._run)
        else:
            postgres.wait_ready(self._children[store], self._home, self._binaries)

    async def end(self, store: Store, number: signal.Signals) -> None:
        """Sends the signal; returns when the server and all its children are gone."""
        child = self._children[store]
        os.kill(child.pid, number)
        if store == "redis":
            folder, note = self._home / "valkey", "valkey.pid"
            names: tuple[str, ...] = valkey.PROGRAMS
        else:
            major = postgres.major_version(self._binaries)
            folder, note, names = self._home / f"postgres-{major}", "postmaster.pid", ("postgres",)
        await eventually(
            lambda: child.ended() and not leftovers.serving(folder, names, folder / note), within_s=60
        )

    async def start_again(self, store: Store) -> None:
        """Starts it; returns when it answers."""
        self.start(store)
        await asyncio.to_thread(self.wait_ready, store)

    def stop(self) -> None:
        """Ends both."""
        for child in self._children.values():
            child.stop()
        folders.remove_short(self._run, self._home)


class Node(Instance):
    """An instance with a supervisor's care: whatever ends it, it comes back, unless it is `held` down."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        super().__init__(folder, environ)
        self.held = False
        self.served = False
        self.unasked: list[int] = []  # what it ended with when it had been ready and nobody had ended it

    def spawn(self) -> None:
        """Starts the process; returns before it is ready."""
        self.served = False
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nura_rt", "serve"],
                env=self._environ,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def supervise(self) -> None:
        """Starts it again whenever it has ended by itself, as systemd or Kubernetes would."""
        while True:
            await asyncio.sleep(_SUPERVISOR_S)
            if self.process is not None and self.process.poll() is not None and not self.held:
                self.unasked += [self.process.returncode] if self.served else []
                self.spawn()  # before it was ready it may give up: a supervisor tries again

    async def ready(self, *, within_s: float = _READY_S) -> None:
        """Returns once /readyz says 200; raises AssertionError with its log."""
        deadline = time.monotonic() + within_s
        async with httpx.AsyncClient(timeout=2) as client:
            while time.monotonic() < deadline:
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        self.served = True
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(f"the instance is not ready:\n{self.log[-4000:]}")

    async def ended(self, *, within_s: float) -> float | None:
        """How many seconds it took to end; None (and it is killed) when it took longer."""
        assert self.process is not None
        began = time.monotonic()
        while self.process.poll() is None:
            if time.monotonic() - began > within_s:
                self.kill()
                return None
            await asyncio.sleep(0.05)
        return time.monotonic() - began


class Site:
    """All of it, by number of the instance: `nodes`, and the proxies before and behind each."""

    def __init__(self, servers: Servers, links: dict[str, list[Proxy]], nodes: list[Node]) -> None:
        self.servers = servers
        self.nodes = nodes
        self.postgres = links["postgres"]
        self.redis = links["redis"]
        self.clients = links["clients"]

    def socket_url(self, number: int) -> str:
        """Where a client reaches this instance."""
        return f"ws://127.0.0.1:{self.clients[number].port}/v1/socket"

    def rest_url(self, number: int) -> str:
        """The same for REST."""
        return f"http://127.0.0.1:{self.clients[number].port}"

    def links(self) -> list[Proxy]:
        """Every proxy."""
        return [*self.postgres, *self.redis, *self.clients]


@asynccontextmanager
async def site(folder: Path, *, instances: int = 2, **environ: str) -> AsyncIterator[Site]:
    """A migrated, running site with all its links through proxies. Needs the main thread."""
    servers = Servers(folder / "stores")
    async with AsyncExitStack() as stack:
        stack.callback(servers.stop)
        for store in ("redis", "postgres"):
            servers.start(store)
            await asyncio.to_thread(servers.wait_ready, store)
        stores = servers.addresses
        assert stores.database_url is not None
        assert stores.admin_url is not None
        assert stores.redis_url is not None
        await migrate.bootstrap(stores.admin_url, database="nura", login="nura", password=None)
        await migrate.up(stores.database_url)
        await seed(settings.load({}, dotenv=None), stores.database_url)
        links: dict[str, list[Proxy]] = {"postgres": [], "redis": [], "clients": []}
        nodes = []
        for number in range(instances):
            database = Proxy(postgres_socket(stores.database_url), watch=BatchWatch)
            redis = Proxy(redis_socket(stores.redis_url))
            for kind, link in (("postgres", database), ("redis", redis)):
                links[kind].append(await stack.enter_async_context(link))
            data = folder / f"instance-{number}"
            data.mkdir()
            told = {
                "SUPABASE_DATABASE_URL": postgres_through(stores.database_url, database.port),
                "REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            }
            node = Node(data, {**ENVIRON, **told, **environ})
            nodes.append(node)
            stack.callback(_kill, node)
            node.spawn()
            links["clients"].append(await stack.enter_async_context(Proxy(("127.0.0.1", node.port))))
        await asyncio.gather(*(node.ready() for node in nodes))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(node.supervise()) for node in nodes]
            try:
                yield Site(servers, links, nodes)
            finally:
                for task in tasks:
                    task.cancel()


def _kill(node: Node) -> None:
    if node.process is not None and node.process.poll() is None:
        node.kill()
