"""One person's rows stay theirs, in every table of the catalogue, even where a query forgets its WHERE."""

import asyncpg
import pytest

from neighbours import Neighbours, acting, attempted
from nura_rt.store import pool
from person_rows import ROWS

DOOR_READS = (
    "public.users",
    "public.user_service_profiles",
    "public.conversations",
    "public.messages",
    "nura.consents",
    "nura.tombstones",
    "nura.trims",
    "nura.read_marks",
    "nura.notices",
)
GRANTED = "SELECT has_table_privilege('authenticated', $1, 'SELECT')"


async def test_every_table_of_the_catalogue_has_rows_here(owners: dict[str, str]) -> None:
    assert set(owners) == set(ROWS)


async def test_every_table_that_names_a_person_is_in_the_catalogue(
    eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    rows = await eyes.fetch(
        """
        SELECT format('%s.%s', n.nspname, c.relname) AS name
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'nura')
           AND (EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname ~ 'user_id|person_id')
                OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.confrelid = 'users'::regclass)
                OR c.oid = 'users'::regclass)
        """
    )

    assert {row["name"] for row in rows} == set(owners)


async def test_every_table_is_secured_by_row_and_its_owner_indexed(
    eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    sql = """
        SELECT c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner),
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_rows'),
               EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                        WHERE i.indrelid = c.oid AND i.indpred IS NULL AND a.attname = $2)
          FROM pg_class c WHERE c.oid = $1::text::regclass
        """
    found = {table: tuple((await eyes.fetch(sql, table, column))[0]) for table, column in owners.items()}

    assert found == dict.fromkeys(owners, (True, True, "nura_owner", True, True))


async def test_every_other_table_is_secured_or_out_of_reach(eyes: asyncpg.Connection) -> None:
    rows = await eyes.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
           AND c.relnamespace IN ('public'::regnamespace, 'nura'::regnamespace)
           AND has_table_privilege('authenticated', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
        """
    )

    assert [row["name"] for row in rows] == []


async def test_a_person_sees_only_rows_of_their_own_without_any_where(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    conn = await acting(neighbours, "nura_app")
    seen = {}
    try:
        for table, column in owners.items():
            async with conn.transaction():
                await conn.execute("SELECT nura.become($1)", neighbours.ann)
                rows = await attempted(conn, f"SELECT {column} FROM {table}")
            seen[table] = rows if isinstance(rows, str) else sorted({row[0] for row in rows})
    finally:
        await conn.close()

    granted = {table for table in owners if await eyes.fetchval(GRANTED, table)}
    assert seen == {table: [neighbours.ann] if table in granted else "denied" for table in owners}
    assert len(granted) >= 11


async def test_the_door_sees_only_rows_of_the_person_it_acts_for(
    neighbours: Neighbours, owners: dict[str, str]
) -> None:
    doors = await pool.open_pool(neighbours.database.url, "nura_door", smallest=1, largest=1)
    seen = {}
    try:
        for table, column in owners.items():
            async with pool.as_person(doors, neighbours.bob) as conn:
                rows = await attempted(conn, f"SELECT {column} FROM {table}")  # type: ignore[arg-type]
            seen[table] = rows if isinstance(rows, str) else {row[0] for row in rows}
    finally:
        doors.terminate()

    readable = {table: rows for table, rows in seen.items() if rows != "denied"}
    assert readable == {table: {neighbours.bob} for table in DOOR_READS}


@pytest.mark.parametrize("role", ["nura_app", "nura_door"])
async def test_a_connection_that_forgot_its_claims_sees_nothing(
    neighbours: Neighbours, owners: dict[str, str], role: str
) -> None:
    conn = await acting(neighbours, role)
    try:
        seen = {table: await attempted(conn, f"SELECT 1 FROM {table}") for table in owners}
    finally:
        await conn.close()

    # of the audit log a door sees that rows are there (ids and digests, to add to the chain) and nothing of them
    assert {table for table, rows in seen.items() if rows not in ("denied", [])} <= {"nura.audit_log"}


async def test_without_claims_even_the_right_role_sees_nothing(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    granted = [table for table in owners if await eyes.fetchval(GRANTED, table)]
    conn = await acting(neighbours, "nura_app")
    try:
        async with conn.transaction():
            await conn.execute("SET LOCAL ROLE authenticated")
            seen = {table: await attempted(conn, f"SELECT 1 FROM {table}") for table in granted}
    finally:
        await conn.close()

    assert seen == {table: [] for table in granted}


async def test_the_bare_login_sees_nothing(neighbours: Neighbours, owners: dict[str, str]) -> None:
    conn = await asyncpg.connect(neighbours.database.url)
    try:
        seen = {table: await attempted(conn, f"SELECT 1 FROM {table}") for table in owners}
    finally:
        await conn.close()

    assert seen == dict.fromkeys(owners, "denied")


@pytest.mark.parametrize("query", ["nura.messages_after($1, $2, 0, 10)", "nura.messages_before($1, $2, 9, 10)",
                                   "nura.conversation_seen_by($1, $2)"])  # fmt: skip
async def test_a_hot_read_of_anothers_conversation_finds_nothing(neighbours: Neighbours, query: str) -> None:
    conn = await acting(neighbours, "nura_app")
    try:
        own = await conn.fetch(f"SELECT * FROM {query}", neighbours.ann, f"{neighbours.ann}-c")
        foreign = await conn.fetch(f"SELECT * FROM {query}", neighbours.ann, f"{neighbours.bob}-c")
    finally:
        await conn.close()

    assert (len(own), len(foreign)) == (1, 0)


async def test_a_hot_read_leaves_no_trace_on_its_connection(neighbours: Neighbours) -> None:
    conn = await acting(neighbours, "nura_app")
    try:
        await conn.fetch(
            "SELECT * FROM nura.conversations_of($1, NULL, NULL, NULL, NULL, 10)", neighbours.ann
        )
        after = await conn.fetchrow(
            "SELECT current_user, coalesce(current_setting('request.jwt.claims', true), '') AS claims"
        )
    finally:
        await conn.close()

    assert after is not None
    assert tuple(after) == ("nura_app", "")


async def test_every_reference_has_an_index_of_its_own(eyes: asyncpg.Connection) -> None:
    """A deleted row looks for those that name it; without one each looks through the whole table."""
    rows = await eyes.fetch(
        """
        SELECT c.conrelid::regclass || ': ' || pg_get_constraintdef(c.oid) AS reference FROM pg_constraint c
         WHERE c.contype = 'f' AND c.connamespace IN ('public'::regnamespace, 'nura'::regnamespace)
           AND c.confrelid NOT IN ('public.voices'::regclass, 'public.badges'::regclass) -- hardly ever deleted
           AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL
                            AND i.indkey[0] = any(c.conkey))
        """
    )

    assert [row["reference"] for row in rows] == []
