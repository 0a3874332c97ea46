"""Through a real PgBouncer in transaction mode: every statement as its role, and nothing left on a connection."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, conversations, messages, migrate, pool
from person_rows import fill
from pgbouncer import pooling
from rows import make_conversation, make_person, turn

SERVER_CONNECTIONS = 2
PEOPLE, ROUNDS = 20, 5
LEFT_BEHIND = """
    SELECT current_user::text, current_setting('role'), current_setting('statement_timeout'),
           current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'),
           coalesce(current_setting('request.jwt.claims', true), ''), pg_backend_pid()
    """


@pytest.fixture(scope="module")
def pooled(folder: Path, database: Database) -> Iterator[str]:
    """The address of the database through the pooler."""
    with pooling(folder / "pgbouncer", database.url, connections=SERVER_CONNECTIONS) as url:
        yield url


@pytest.fixture
async def apps(pooled: str) -> AsyncIterator[asyncpg.Pool]:
    """The pool of reads, with more connections of ours than the server gives."""
    opened = await pool.open_pool(pooled, "nura_app", smallest=2, largest=PEOPLE, pooler="transaction")
    yield opened
    opened.terminate()


@pytest.fixture
async def writer(pooled: str) -> AsyncIterator[asyncpg.Connection]:
    """The writer's connection."""
    conn = await pool.connect(pooled, "nura_writer", pooler="transaction")
    yield conn
    await conn.close()


async def bare(pooled: str) -> set[tuple[Any, ...]]:
    """What a client that says nothing about itself meets on each server connection."""
    met = set()
    clients = [await asyncpg.connect(pooled, statement_cache_size=0) for _ in range(SERVER_CONNECTIONS)]
    try:
        opened = [client.transaction() for client in clients]  # held at once: each has a server of its own
        for client, one in zip(clients, opened, strict=True):
            await one.start()
            met.add(tuple(await client.fetchrow(LEFT_BEHIND) or ()))
        for one in opened:
            await one.rollback()
    finally:
        for client in clients:
            await client.close()
    return met


async def test_people_at_once_see_only_their_own(apps: asyncpg.Pool, root: asyncpg.Connection) -> None:
    people = [await fill(root) for _ in range(PEOPLE)]
    seen: dict[str, set[str]] = {person: set() for person in people}

    async def look(person: str) -> None:
        for _ in range(ROUNDS):
            async with pool.as_person(apps, person) as conn:
                await conn.execute("SET LOCAL ROLE authenticated")
                seen[person] |= {row["user_id"] for row in await conn.fetch("SELECT user_id FROM messages")}
                await asyncio.sleep(0)
            found = await messages.list_after(apps, person, f"{person}-c", 0, limit=10)
            seen[person] |= {message.conversation_id.removesuffix("-c") for message in found}

    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(look(person))

    assert seen == {person: {person} for person in people}


async def test_nothing_of_ours_is_left_on_a_server_connection(
    pooled: str, apps: asyncpg.Pool, writer: asyncpg.Connection, root: asyncpg.Connection
) -> None:
    person = await fill(root)

    async def use() -> None:
        async with pool.as_person(apps, person) as conn:
            await conn.fetchval("SELECT pg_sleep(0.05)")
        await conversations.list_of(apps, person, limit=10)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await apps.fetch("SELECT content FROM messages")

    await asyncio.gather(use(), use(), use(), use())
    await writer.fetchval("SELECT 1")

    met = await bare(pooled)
    assert len({pid for *_, pid in met}) == SERVER_CONNECTIONS
    assert {tuple(rest) for *rest, _ in met} == {("nura", "none", "0", "0", "0", "")}


async def test_migrations_leave_no_owner_behind(pooled: str) -> None:
    before = await migrate.status(pooled)
    applied = await migrate.up(pooled)

    met = await bare(pooled)
    assert (applied, all(one.applied for one in before)) == ([], True)
    assert {(user, role) for user, role, *_ in met} == {("nura", "none")}


async def test_turns_are_kept(writer: asyncpg.Connection, root: asyncpg.Connection) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    rows = [turn(person, conversation) for _ in range(3)]

    kept = await batch.keep(writer, rows, levels=LEVELS, lease_s=60)
    again = await batch.keep(writer, rows, levels=LEVELS, lease_s=60)

    assert [kept[index].seq for index in range(3)] == [1, 2, 3]
    assert again == kept


@pytest.mark.parametrize("pooler", ["session", "transaction"])
async def test_a_statement_alone_runs_as_its_role_within_its_limits(
    database: Database, request: pytest.FixtureRequest, pooler: pool.Pooler
) -> None:
    url = database.url if pooler == "session" else request.getfixturevalue("pooled")
    conn = await pool.connect(url, "nura_worker", pooler=pooler)
    try:
        row = await conn.fetchrow(LEFT_BEHIND)
    finally:
        await conn.close()

    assert row is not None
    assert tuple(row)[:6] == ("nura_worker", "nura_worker", "10s", "2s", "30s", "")


async def test_every_way_of_asking_runs_as_the_role(writer: asyncpg.Connection) -> None:
    who, output = "SELECT current_user::text", io.BytesIO()

    statement = await writer.prepare(who)
    await writer.copy_from_query(who, output=output)
    await writer.execute("DO $$ BEGIN ASSERT current_user = 'nura_writer'; END $$")
    await writer.executemany("SELECT 1 / (current_user = 'nura_writer')::int WHERE $1::int > 0", [(1,), (2,)])
    rows = await writer.fetchmany("SELECT current_user::text WHERE $1::int > 0", [(1,)])

    assert statement.get_attributes()[0].name == "current_user"
    assert {
        output.getvalue().decode().strip(),
        rows[0][0],
        await writer.fetchval(who),
        (await writer.fetch(who))[0][0],
        (await writer.fetchrow(who) or [None])[0],
    } == {"nura_writer"}


async def test_a_prepared_statement_runs_as_the_role_in_a_transaction_and_may_nothing_outside(
    writer: asyncpg.Connection,
) -> None:
    statement = await writer.prepare("SELECT key FROM nura.jobs")  # a schema that the login may not enter
    async with writer.transaction():
        inside = await (await writer.prepare("SELECT current_user::text")).fetchval()

    assert inside == "nura_writer"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await statement.fetch()


async def test_a_transaction_may_nest_read_only_and_keeps_its_role_after_a_savepoint_is_undone(
    writer: asyncpg.Connection,
) -> None:
    async def fail_as_another() -> None:
        async with writer.transaction():
            await writer.execute("SET LOCAL ROLE nura_worker")
            await writer.execute("UPDATE conversations SET last_seq = 9")

    async with writer.transaction(isolation="repeatable_read", readonly=True):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await fail_as_another()
        after = await writer.fetchval("SELECT current_user::text")

    assert after == "nura_writer"
    assert await writer.fetchval("SHOW transaction_isolation") == "read committed"


async def test_what_fails_alone_leaves_a_connection_that_works(writer: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.fetch("SELECT content FROM messages")

    assert await writer.fetchval("SELECT current_user::text") == "nura_writer"
    assert not writer.is_in_transaction()


async def test_a_transaction_that_could_not_take_its_role_ends_the_connection(pooled: str) -> None:
    conn = await pool.connect(pooled, "nura_nobody", pooler="transaction")

    with pytest.raises(asyncpg.InvalidParameterValueError, match="nura_nobody"):
        await conn.fetchval("SELECT 1")

    assert conn.is_closed()


async def test_listening_is_refused(writer: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InterfaceError, match="LISTEN"):
        await writer.add_listener("anything", lambda *_: None)


async def test_a_session_cannot_be_had_through_such_a_pooler(pooled: str) -> None:
    with pytest.raises(asyncpg.ProtocolViolationError, match="unsupported startup parameter"):
        await pool.connect(pooled, "nura_app")
