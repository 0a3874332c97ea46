"""The five hot reads cost one round trip each, from the pool and back into it: counted on the wire."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from databases import Database
from nura_rt.store import conversations, messages, pool, talks
from person_rows import fill
from proxy import Proxy, postgres_socket, postgres_through

Read = Callable[[asyncpg.Pool, str, str], Awaitable[object]]


class Wire(Proxy):
    """Counts the questions that wait for an answer: each time the client speaks after the server did."""

    def __init__(self, url: str) -> None:
        super().__init__(postgres_socket(url))
        self.questions = 0
        self._asking: set[asyncio.StreamWriter] = set()
        self._answered = True

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there, back = await super()._reach()
        self._asking.add(back)
        return there, back

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asking = writer in self._asking
        try:
            while data := await reader.read(65_536):
                self.questions += asking and self._answered
                self._answered = not asking
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.transport.abort()


READS: dict[str, Read] = {
    "history after": lambda pool, person, room: messages.list_after(pool, person, room, 0, limit=10),
    "history before": lambda pool, person, room: messages.list_before(pool, person, room, 9, limit=10),
    "conversation list": lambda pool, person, room: conversations.list_of(pool, person, limit=10),
    "access check": lambda pool, person, room: conversations.seen_by(pool, person, room),
    "what a talk said": lambda pool, person, room: talks.before(pool, person, room, limit=10, days=30),
}


@pytest.mark.parametrize("name", READS)
async def test_a_hot_read_is_one_round_trip(database: Database, root: asyncpg.Connection, name: str) -> None:
    person = await fill(root)
    read = READS[name]
    wire = Wire(database.url)
    async with wire:
        opened = await pool.open_pool(
            postgres_through(database.url, wire.port), "nura_app", smallest=1, largest=1
        )
        try:
            assert await read(opened, person, f"{person}-c")  # prepared once a connection
            before = wire.questions
            await read(opened, person, f"{person}-c")
            asked = wire.questions - before
            async with pool.as_person(opened, person):
                pass
            others = wire.questions - before - asked
        finally:
            opened.terminate()

    assert (asked, others > 1) == (1, True)
