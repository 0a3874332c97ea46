"""A TCP proxy that can be cut, frozen, slowed, stranded and healed: the network between two parties of a test."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

Target = Path | tuple[str, int]
_ENDING_STEPS = 200  # a second at most
When = Literal["before", "amid", "after"]


class Watch(Protocol):
    """Reads along what one client says."""

    def heard(self, data: bytes) -> bool:
        """The next bytes; true when what is waited for ends in them."""


class Proxy:
    """Listens on loopback and forwards to a unix socket or a port. Use as an async context manager."""

    def __init__(self, target: Target, *, watch: Callable[[], Watch] | None = None) -> None:
        """`watch` makes what reads along each connection; `spring` says what happens when it hears something."""
        self.delay_s = 0.0  # how long each piece is held, both ways
        self.sprung = 0
        self._target = target
        self._watch = watch
        self._traps: list[When] = []
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._link_of: dict[asyncio.StreamWriter, _Link] = {}
        self._open = asyncio.Event()
        self._flowing = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self._open.set()
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self.cut()
        self._flowing.set()  # what waits sees that it is over
        self._server.close()
        for _ in range(_ENDING_STEPS):
            if not self._links:
                break
            await asyncio.sleep(0.005)

    def cut(self) -> None:
        """Resets every connection; new ones are accepted and closed at once."""
        self._open.clear()
        self.reset()

    def reset(self) -> None:
        """Resets every connection; new ones are served."""
        for link in tuple(self._links):
            link.abort()

    def freeze(self) -> None:
        """Nothing passes and nothing is said about it."""
        self._flowing.clear()

    def strand(self) -> None:
        """The connections of this moment never carry anything again, and nobody is told; new ones are served."""
        for link in self._links:
            link.stranded = True

    def spring(self, *moments: When) -> None:
        """The next connections whose watch hears something are reset: before the other side gets it, once it
        was handed on, or when the answer has arrived here."""
        self._traps = list(moments)

    def heal(self) -> None:
        """As if nothing had been; what is stranded stays so."""
        self._open.set()
        self._flowing.set()
        self.delay_s = 0.0
        self._traps = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open.is_set():
            writer.transport.abort()
            return
        link = _Link(writer, self._watch() if self._watch else None)
        self._link_of[writer] = link
        self._links.add(link)  # from now on: it may be cut while the other side is reached
        try:
            there, back = await self._reach()
            link.writers.append(back)
            self._link_of[back] = link
            if link.aborted:
                link.abort()
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except OSError:  # nobody is there
            link.abort()
        finally:
            self._links.discard(link)
            for end in link.writers:
                self._link_of.pop(end, None)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(str(self._target))
        return await asyncio.open_connection(*self._target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self._link_of[writer]
        there = writer is not link.writers[0]
        try:
            while data := await reader.read(65_536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                if link.stranded:
                    return
                if there and link.watch is not None and link.watch.heard(data) and self._traps:
                    link.trap = self._traps.pop(0)
                    self.sprung += 1
                    if link.trap == "before":
                        return
                elif not there and link.trap == "after":
                    return  # the answer is here, and goes no further
                writer.write(data)
                await writer.drain()
                if link.trap == "amid":
                    return
        except OSError:
            pass
        finally:
            if link.stranded:
                await link.over.wait()  # one side has gone, and the other is not told
            link.abort()


class _Link:
    """One connection through the proxy: both its ends."""

    def __init__(self, writer: asyncio.StreamWriter, watch: Watch | None) -> None:
        self.writers = [writer]
        self.watch = watch
        self.stranded = False
        self.aborted = False
        self.over = asyncio.Event()
        self.trap: When | None = None

    def abort(self) -> None:
        self.aborted = True
        self.over.set()
        for writer in self.writers:
            writer.transport.abort()


def postgres_socket(url: str) -> Target:
    """What the address of the run's server means: a unix socket, or a port where it is reached by TLS."""
    there = urlsplit(url)
    if there.hostname and there.port:
        return there.hostname, there.port
    query: dict[str, Any] = parse_qs(there.query)
    return Path(query["host"][0]) / f".s.PGSQL.{query.get('port', ['5432'])[0]}"


def postgres_through(url: str, port: int) -> str:
    """The same database by a proxy's `port` on loopback, with TLS where the server has it."""
    there = urlsplit(url)
    how = there.query if there.port else "sslmode=disable"
    return f"postgresql://{there.username}@127.0.0.1:{port}{there.path}?{how}"


def redis_socket(url: str) -> Path:
    """The unix socket of an embedded Valkey's address."""
    return Path(unquote(urlsplit(url).path))
