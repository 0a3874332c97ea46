"""A database as Supabase gives it: its roles and `auth` are there, owned by another, and our admin is no superuser."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from databases import Database
from nura_rt.embedded import postgres
from nura_rt.store import auth_sessions, messages, migrate, pool
from person_rows import fill
from postgres_server import Server, serving
from schema_picture import picture

pytestmark = pytest.mark.slow

# After supabase/postgres, migrations/db: what a project has before anybody works in it.
_PROJECT = """
    create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
    create role supabase_auth_admin noinherit createrole login;
    create role postgres nosuperuser createdb createrole login replication bypassrls;
    alter database postgres owner to postgres;
    alter role authenticated set statement_timeout = '8s';

    create schema extensions;
    create function extensions.uuid_generate_v4() returns uuid language sql volatile as 'select gen_random_uuid()';
    grant usage on schema extensions to anon, authenticated, service_role;
    grant all on schema extensions to postgres;
    alter role postgres set search_path to "$user", public, extensions;
    grant usage on schema public to postgres, anon, authenticated, service_role;
    alter default privileges for role postgres in schema public
      grant all on tables to postgres, anon, authenticated, service_role;

    create schema auth authorization supabase_admin;
    create table auth.users (id uuid primary key, email varchar(255), encrypted_password varchar(255));
    create table auth.sessions (id uuid primary key, user_id uuid not null references auth.users on delete cascade);
    alter table auth.sessions enable row level security;
    create function auth.uid() returns uuid language sql stable as $$
      select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
    grant usage on schema auth to anon, authenticated, service_role;
    grant usage on schema auth to postgres;
    grant all on schema auth to supabase_auth_admin;
    alter table auth.users owner to supabase_auth_admin;
    alter table auth.sessions owner to supabase_auth_admin;
    alter function auth.uid() owner to supabase_auth_admin;
    grant all on auth.users, auth.sessions to postgres;
    grant select on auth.users, auth.sessions to postgres with grant option;
    """
_SINCE_16 = "grant anon, authenticated, service_role to postgres with admin option"
_THEIRS = """
    SELECT 'schema', nspname::text, nspowner::regrole::text, nspacl::text, '' FROM pg_namespace WHERE nspname = 'auth'
    UNION ALL
    SELECT 'relation', relname, relowner::regrole::text, relacl::text, relrowsecurity::text
      FROM pg_class WHERE relnamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'column', attrelid::regclass::text || '.' || attname, '', attacl::text, atttypid::regtype::text
      FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'routine', proname, proowner::regrole::text, proacl::text, prosrc
      FROM pg_proc WHERE pronamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'constraint', conname, '', '', pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'trigger', tgname, '', '', tgrelid::regclass::text
      FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'policy', polname, '', polroles::text, polrelid::regclass::text
      FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = 'auth'::regnamespace
    UNION ALL
    SELECT 'role', rolname, '', rolconfig::text, concat(rolsuper, rolinherit, rolbypassrls, rolcreaterole)
      FROM pg_roles WHERE rolname IN ('anon', 'authenticated', 'service_role', 'supabase_auth_admin', 'postgres')
    ORDER BY 1, 2, 3, 4, 5
    """


class Project(Database, frozen=True):
    """The server's own login and the customer's administrator, their superuser, and what was theirs before."""

    their_url: str
    before: list[asyncpg.Record]


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    given = os.environ.get("NURA_TEST_PG", "").strip()
    binaries = Path(given).resolve() if given else postgres.find_binaries()
    with serving(folder / "supabase", binaries, superuser="supabase_admin") as started:
        yield started


@pytest.fixture(scope="module")
async def theirs(server: Server) -> AsyncIterator[asyncpg.Connection]:
    """Supabase's own superuser, after it made the project."""
    conn = await asyncpg.connect(server.url("supabase_admin", "postgres"))
    await conn.execute(_PROJECT)
    if conn.get_server_version().major >= 16:
        await conn.execute(_SINCE_16)
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture(scope="module")
async def project(server: Server, theirs: asyncpg.Connection) -> Project:
    """The project with our roles and tables, made by the customer's administrator."""
    made = Database(server.url("nura", "postgres"), server.url("postgres", "postgres"))
    before = await theirs.fetch(_THEIRS)
    await migrate.bootstrap(made.admin_url, database=None, login="nura", password="a password")
    await migrate.up(made.url)
    return Project(made.url, made.admin_url, server.url("supabase_admin", "postgres"), before)


async def test_the_administrator_is_none_of_those_who_may_do_everything(
    project: Project, theirs: asyncpg.Connection
) -> None:
    found = await theirs.fetchrow(
        """
        SELECT rolsuper, pg_has_role('postgres', 'supabase_admin', 'MEMBER'),
               has_schema_privilege('postgres', 'auth', 'CREATE'),
               has_schema_privilege('postgres', 'auth', 'USAGE WITH GRANT OPTION')
          FROM pg_roles WHERE rolname = 'postgres'
        """
    )

    assert tuple(found or ()) == (False, False, False, False)


async def test_nothing_of_theirs_is_changed_and_nothing_made_beside_it(
    project: Project, theirs: asyncpg.Connection
) -> None:
    assert len(project.before) > 20
    assert await theirs.fetch(_THEIRS) == project.before


async def test_bootstrap_may_be_repeated(project: Project, theirs: asyncpg.Connection) -> None:
    there = picture(project.their_url)

    await migrate.bootstrap(project.admin_url, database=None, login="nura", password="a password")

    assert picture(project.their_url) == there
    assert await theirs.fetch(_THEIRS) == project.before


async def test_up_down_up_gives_the_same_schema(project: Project, theirs: asyncpg.Connection) -> None:
    there = picture(project.their_url)

    await migrate.down(project.url, steps=len(await migrate.status(project.url)))
    gone = await theirs.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    await migrate.up(project.url)

    assert gone == 0
    assert picture(project.their_url) == there
    assert await theirs.fetch(_THEIRS) == project.before


async def test_no_role_of_ours_is_above_the_rules(project: Project, theirs: asyncpg.Connection) -> None:
    rows = await theirs.fetch(
        """
        SELECT rolname FROM pg_roles r WHERE rolname LIKE 'nura%'
           AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
                OR pg_has_role(oid, 'service_role', 'MEMBER') OR pg_has_role(oid, 'supabase_auth_admin', 'MEMBER')
                OR pg_has_role(oid, 'postgres', 'MEMBER'))
        """
    )

    assert [row["rolname"] for row in rows] == []
    assert not await theirs.fetchval("SELECT pg_has_role('postgres', 'nura_owner', 'USAGE')")


async def test_a_person_is_known_by_their_own_function(project: Project, theirs: asyncpg.Connection) -> None:
    ann, bob = await fill(theirs), await fill(theirs)
    doors = await pool.open_pool(project.url, "nura_door", smallest=1, largest=1)
    try:
        async with pool.as_person(doors, ann) as conn:
            seen = {row["user_id"] for row in await conn.fetch("SELECT user_id FROM conversations")}
            who = await conn.fetchval("SELECT current_setting('request.jwt.claims', true)::jsonb ->> 'sub'")
    finally:
        doors.terminate()

    assert (seen, who) == ({ann}, ann)
    assert bob not in seen


async def test_hot_reads_become_the_person(project: Project, theirs: asyncpg.Connection) -> None:
    ann, bob = await fill(theirs), await fill(theirs)
    apps = await pool.open_pool(project.url, "nura_app", smallest=1, largest=1)
    try:
        own = await messages.list_after(apps, ann, f"{ann}-c", 0, limit=10)
        foreign = await messages.list_after(apps, ann, f"{bob}-c", 0, limit=10)
    finally:
        apps.terminate()

    assert ([message.conversation_id for message in own], foreign) == ([f"{ann}-c"], [])


async def test_a_session_that_they_have_is_never_thought_to_be_gone(
    project: Project, theirs: asyncpg.Connection
) -> None:
    """Their tables are under row level security without a policy for us: not to see one is not to know."""
    user, session = str(uuid.uuid4()), str(uuid.uuid4())
    await theirs.execute("INSERT INTO auth.users (id) VALUES ($1::text::uuid)", user)
    await theirs.execute(
        "INSERT INTO auth.sessions (id, user_id) VALUES ($1::text::uuid, $2::text::uuid)", session, user
    )
    conn = await pool.connect(project.url, "nura_auth")
    try:
        readable = await auth_sessions.readable(conn)
        known = [await auth_sessions.has(conn, one, user) for one in (session, str(uuid.uuid4()))]
    finally:
        await conn.close()

    assert readable
    assert known == [True, False]
