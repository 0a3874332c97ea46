"""What breaks things is checked too: a fault that never happens would prove nothing."""

import asyncio
import struct
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from nemesis import FAULTS, schedule
from statements import BatchWatch

from nura_rt.embedded.stack import Addresses
from proxy import Proxy, When, postgres_socket, postgres_through

_KEEP = "INSERT INTO messages_of_this_test SELECT $1::int"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


STARTUP = message(b"", b"\0\3\0\0user\0nura\0\0")
PARSE = message(b"P", b"s1\0INSERT INTO messages (id) VALUES ($1)\0\0\0")
OTHER = message(b"P", b"s2\0SELECT 1\0\0\0")
SYNC = message(b"S", b"")


def bind(name: bytes) -> bytes:
    return message(b"B", b"\0" + name + b"\0\0\0\0\0\0\0") + message(b"E", b"\0\0\0\0\0")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("said", "batches"),
    [
        (PARSE + SYNC, 0),
        (PARSE + SYNC + bind(b"s1") + SYNC, 1),
        (PARSE + OTHER + bind(b"s2") + SYNC, 0),
        (PARSE + bind(b"s1") + SYNC + bind(b"s1") + SYNC, 2),
        (PARSE + PARSE.replace(b"INSERT INTO messages", b"SELECT something new") + bind(b"s1") + SYNC, 0),
    ],
)
def test_a_batch_is_recognised_however_its_bytes_come(said: bytes, batches: int, piece: int) -> None:
    watch = BatchWatch()
    stream = STARTUP + said

    heard = [watch.heard(stream[at : at + piece]) for at in range(0, len(stream), piece)]

    assert (sum(heard) == batches) if piece < 10_000 else (any(heard) == bool(batches))


def test_every_fault_comes_once_before_any_comes_again() -> None:
    plan = schedule(1, 3 * 60)

    first = Counter(fault.kind for fault in plan[: len(FAULTS)])

    assert first == dict.fromkeys(FAULTS, 1)
    assert len(plan) > len(FAULTS)
    assert plan == schedule(1, 3 * 60)
    assert plan != schedule(2, 3 * 60)


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("amid", 1), ("after", 1)])
async def test_a_sprung_trap_breaks_the_connection_around_the_commit(
    stores: Addresses, admin: asyncpg.Connection, when: When, kept: int
) -> None:
    assert stores.admin_url is not None
    await admin.execute("CREATE TABLE IF NOT EXISTS messages_of_this_test (n int)")
    await admin.execute("TRUNCATE messages_of_this_test")
    async with Proxy(postgres_socket(stores.admin_url), watch=BatchWatch) as link:
        through = postgres_through(stores.admin_url, link.port).replace("/postgres?", "/nura?")
        conn = await asyncpg.connect(through)
        await conn.fetch("SELECT 1")
        link.spring(when)

        with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await conn.fetch(_KEEP, 1)

    for _ in range(200):  # "amid" it is committed soon after the connection is gone
        if (found := await admin.fetchval("SELECT count(*) FROM messages_of_this_test")) >= kept:
            break
        await asyncio.sleep(0.05)
    await admin.execute("DROP TABLE messages_of_this_test")
    assert (found, link.sprung) == (kept, 1)


async def test_a_stranded_connection_looks_open_from_both_sides(tmp_path: Path) -> None:
    echoed: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            echoed.append(data)
            writer.write(data)
        echoed.append(b"the end")
        writer.close()

    server = await asyncio.start_unix_server(echo, tmp_path / "echo")
    async with server, Proxy(tmp_path / "echo") as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"

        link.strand()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(100)
        fresh_reader, fresh_writer = await asyncio.open_connection("127.0.0.1", link.port)
        fresh_writer.write(b"three")

        assert await fresh_reader.read(100) == b"three"
        assert echoed == [b"one", b"three"]
        writer.close()
        fresh_writer.close()
