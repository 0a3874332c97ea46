"""A TCP proxy that can be cut, frozen and healed: the network between an instance and one of its stores."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Target = Path | tuple[str, int]


class Proxy:
    """Listens on loopback and forwards to a unix socket or a port. Use as an async context manager."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._flowing = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self._open.set()
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """Resets every connection; new ones are accepted and closed at once."""
        self._open.clear()
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing passes and nothing is said about it."""
        self._flowing.clear()

    def heal(self) -> None:
        """As if nothing had been."""
        self._open.set()
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open.is_set():
            writer.transport.abort()
            return
        self._writers.add(writer)  # from now on: it may be cut while the store is reached
        there, back = await self._reach()
        self._writers.add(back)
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= {writer, back}

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(str(self._target))
        return await asyncio.open_connection(*self._target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
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
