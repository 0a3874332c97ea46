"""A database with Supabase's `auth.sessions`: what is signed out there is signed out here."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from databases import Database, scratch
from identities import somebody
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Identity
from nura_rt.cache.sessions import SessionCopies
from nura_rt.embedded.stack import Addresses
from nura_rt.store import auth_sessions, pool
from nura_rt.store import sessions as table

SUPABASE = """
    CREATE TABLE auth.sessions (
        id uuid PRIMARY KEY, user_id uuid NOT NULL, created_at timestamptz, not_after timestamptz);
    CREATE VIEW nura.supabase_sessions AS SELECT id, user_id FROM auth.sessions; -- as bootstrap makes it
    GRANT SELECT ON nura.supabase_sessions TO nura_auth;
"""


@pytest.fixture(scope="module")
async def project(stores: Addresses) -> AsyncIterator[Database]:
    async with scratch(stores, migrated=True) as made:
        yield made


@pytest.fixture
async def operator(project: Database) -> AsyncIterator[asyncpg.Connection]:
    """What Supabase's own service may do."""
    conn = await asyncpg.connect(project.admin_url)
    await conn.execute("DROP TABLE IF EXISTS auth.sessions CASCADE")
    yield conn
    await conn.close()


@pytest.fixture
async def auth(project: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(project.url, "nura_auth", smallest=1, largest=4)
    yield opened
    opened.terminate()


def sessions_of(auth: asyncpg.Pool) -> Sessions:
    return Sessions(auth, door=auth, copies=SessionCopies(None), lifetime_s=3600)


async def sign_in(operator: asyncpg.Connection, identity: Identity) -> None:
    await operator.execute(
        "INSERT INTO auth.sessions (id, user_id) VALUES ($1, $2)", identity.session_id, identity.user_id
    )


async def sign_out(operator: asyncpg.Connection, identity: Identity) -> None:
    await operator.execute("DELETE FROM auth.sessions WHERE id = $1", identity.session_id)


async def test_without_the_table_nothing_is_asked_of_it(
    auth: asyncpg.Pool, operator: asyncpg.Connection
) -> None:
    sessions, ann = sessions_of(auth), somebody(source="supabase")
    sessions.on_end(ann.session_id, lambda _: None)

    assert await sessions.seen(ann)
    await sessions.compare()
    assert not sessions.is_ended(ann.session_id)


async def test_a_table_we_may_not_read_is_as_good_as_none(
    auth: asyncpg.Pool, operator: asyncpg.Connection
) -> None:
    await operator.execute(f"{SUPABASE}; REVOKE SELECT ON nura.supabase_sessions FROM nura_auth")

    assert not await auth_sessions.readable(auth)
    assert await sessions_of(auth).seen(somebody(source="supabase"))


async def test_only_a_session_that_is_there_counts(auth: asyncpg.Pool, operator: asyncpg.Connection) -> None:
    await operator.execute(SUPABASE)
    sessions, ann, bob = sessions_of(auth), somebody(source="supabase"), somebody(source="supabase")
    await sign_in(operator, ann)
    his_by_name = msgspec.structs.replace(ann, user_id=bob.user_id)
    odd = msgspec.structs.replace(bob, session_id="not-a-uuid")

    seen = [await sessions.seen(one) for one in (his_by_name, ann, bob, odd)]

    assert seen == [False, True, False, False]
    assert await operator.fetchval("SELECT count(*) FROM users WHERE id = $1", bob.user_id) == 0


async def test_a_local_session_need_not_be_there(auth: asyncpg.Pool, operator: asyncpg.Connection) -> None:
    await operator.execute(SUPABASE)

    assert await sessions_of(auth).seen(somebody(source="local"))


async def test_what_vanished_ends_its_sockets_everywhere(
    auth: asyncpg.Pool, operator: asyncpg.Connection
) -> None:
    await operator.execute(SUPABASE)
    here, there, heard = sessions_of(auth), sessions_of(auth), list[str]()
    ann, bob, local = somebody(source="supabase"), somebody(source="supabase"), somebody()
    for one in (ann, bob):
        await sign_in(operator, one)
    for one in (ann, bob, local):
        assert await here.seen(one)
        here.on_end(one.session_id, heard.append)
    await sign_out(operator, ann)

    await here.compare()
    await there.ask()

    reason = await operator.fetchval("SELECT end_reason FROM nura.sessions WHERE id = $1", ann.session_id)
    assert (heard, reason) == (["signed_out"], "signed_out")
    assert there.is_ended(ann.session_id)
    assert [here.is_ended(one.session_id) for one in (ann, bob, local)] == [True, False, False]


async def test_a_request_with_the_token_of_a_session_that_vanished_is_refused_and_ends_it(
    auth: asyncpg.Pool, operator: asyncpg.Connection
) -> None:
    await operator.execute(SUPABASE)
    ann, heard = somebody(source="supabase"), list[str]()
    await sign_in(operator, ann)
    await sessions_of(auth).seen(ann)
    await sign_out(operator, ann)
    later = sessions_of(auth)
    later.on_end(ann.session_id, heard.append)

    assert not await later.seen(ann)
    assert heard == ["signed_out"]


async def test_the_watch_hears_and_compares_and_survives_a_lost_connection(
    auth: asyncpg.Pool,
    operator: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("nura_rt.auth.sessions._ASK_EVERY_S", 0.02)
    monkeypatch.setattr("nura_rt.auth.sessions._COMPARE_EVERY_S", 0.05)
    await operator.execute(SUPABASE)
    sessions, ann, bob = sessions_of(auth), somebody(source="supabase"), somebody()
    ended = {one.session_id: asyncio.Event() for one in (ann, bob)}
    await sign_in(operator, ann)
    for one in (ann, bob):
        await sessions.seen(one)
        sessions.on_end(one.session_id, lambda _, session_id=one.session_id: ended[session_id].set())  # type: ignore[misc]
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        watching = group.create_task(sessions.watch_for_ever())
        await operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'nura-rt/nura_auth' AND datname = current_database()"
        )
        await sign_out(operator, ann)
        await table.end(operator, bob.user_id, bob.session_id, "revoked")  # as another instance would
        for event in ended.values():
            await event.wait()
        watching.cancel()

    assert [sessions.is_ended(one.session_id) for one in (ann, bob)] == [True, True]
    assert "watching sessions failed" not in caplog.messages  # a lost connection is no defect


async def test_each_statement_is_as_good_as_its_index(
    auth: asyncpg.Pool, operator: asyncpg.Connection
) -> None:
    """The poll runs each second on every instance: it may not read the table."""
    await operator.execute("SET enable_seqscan = off")
    plan = await operator.fetch(
        """
        EXPLAIN SELECT id, end_reason FROM nura.sessions
         WHERE ended_at > now() - make_interval(secs => 60)
        """
    )

    assert any("sessions_ended" in row[0] for row in plan)
