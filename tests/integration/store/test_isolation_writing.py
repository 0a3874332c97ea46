"""Nobody writes into another person's rows: not a browser by any column, not a door, not a service role."""

import asyncpg
import pytest

from neighbours import Neighbours, acting, attempted
from nura_rt.store import pool

# What a browser may change by itself: no words, no level, no counter, nothing that such follow from.
BROWSER_MAY_UPDATE = {("public.schedules", "is_active"), ("public.memory_items", "is_archived")}
NOT_WORDS = {"boolean"}
COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
     WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
ROLES = (
    "nura_app",
    "nura_door",
    "nura_writer",
    "nura_worker",
    "nura_auth",
    "nura_care",
    "nura_erasure",
    "nura_metrics",
    "nura_import",
)

Outcome = str | list[asyncpg.Record]


async def as_browser(conn: asyncpg.Connection, person_id: str, sql: str) -> Outcome:
    """As PostgREST would: the claims, the role, one statement."""
    async with conn.transaction():
        await conn.execute("SELECT nura.become($1)", person_id)
        return await attempted(conn, sql)


async def columns(eyes: asyncpg.Connection, owners: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(table, row["name"], row["type"]) for table in owners for row in await eyes.fetch(COLUMNS, table)]


async def test_a_browser_updates_two_columns_and_no_other(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    conn = await acting(neighbours, "nura_app")
    allowed = set()
    try:
        for table, column, _ in await columns(eyes, owners):
            if await as_browser(conn, neighbours.ann, f"UPDATE {table} SET {column} = DEFAULT") != "denied":
                allowed.add((table, column))
    finally:
        await conn.close()

    assert allowed == BROWSER_MAY_UPDATE


async def test_what_a_browser_may_update_holds_no_words(
    eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    types = {(table, column): kind for table, column, kind in await columns(eyes, owners)}

    assert {types[place] for place in BROWSER_MAY_UPDATE} <= NOT_WORDS


async def test_a_browser_inserts_into_no_column(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    conn = await acting(neighbours, "nura_app")
    allowed = set()
    try:
        for table, column, _ in await columns(eyes, owners):
            attempt = f"INSERT INTO {table} ({column}) OVERRIDING USER VALUE VALUES (DEFAULT)"
            if await as_browser(conn, neighbours.ann, attempt) != "denied":
                allowed.add((table, column))
    finally:
        await conn.close()

    assert allowed == set()


async def test_a_browser_reads_its_own_rows_in_every_column(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    """Of the specification's tables; of ours a browser needs none, PostgREST does not show them."""
    conn = await acting(neighbours, "nura_app")
    seen = {}
    try:
        for table, column, _ in await columns(eyes, owners):
            if table.startswith("public."):
                rows = await as_browser(
                    conn, neighbours.ann, f"SELECT {owners[table]} AS owner, {column} FROM {table}"
                )
                seen[table, column] = rows if isinstance(rows, str) else [row["owner"] for row in rows]
    finally:
        await conn.close()

    assert {place: owner for place, owner in seen.items() if owner != [neighbours.ann]} == {}
    assert len(seen) > 150


@pytest.mark.parametrize("place", sorted(BROWSER_MAY_UPDATE), ids=lambda place: ".".join(place))
async def test_an_update_without_where_touches_only_the_browsers_own_rows(
    neighbours: Neighbours, owners: dict[str, str], place: tuple[str, str]
) -> None:
    table, column = place
    conn = await acting(neighbours, "nura_app")
    try:
        touched = await as_browser(
            conn, neighbours.ann, f"UPDATE {table} SET {column} = NOT {column} RETURNING {owners[table]}"
        )
    finally:
        await conn.close()

    assert [row[0] for row in touched] == [neighbours.ann]


@pytest.mark.parametrize("verb", ["DELETE FROM {table}", "TRUNCATE {table}"])
async def test_a_browser_removes_nothing(neighbours: Neighbours, owners: dict[str, str], verb: str) -> None:
    conn = await acting(neighbours, "nura_app")
    try:
        outcomes = {
            table: await as_browser(conn, neighbours.ann, verb.format(table=table)) for table in owners
        }
    finally:
        await conn.close()

    assert outcomes == dict.fromkeys(owners, "denied")


@pytest.mark.parametrize("role", ["anon", "service_role"])
async def test_other_roles_of_supabase_reach_nothing(
    eyes: asyncpg.Connection, owners: dict[str, str], role: str
) -> None:
    async with eyes.transaction():
        await eyes.execute(f"SET LOCAL ROLE {role}")
        seen = {table: await attempted(eyes, f"SELECT 1 FROM {table}") for table in owners}

    assert seen == dict.fromkeys(owners, "denied")


async def test_a_door_without_where_changes_only_rows_of_the_person_it_acts_for(
    neighbours: Neighbours, eyes: asyncpg.Connection, owners: dict[str, str]
) -> None:
    doors = await pool.open_pool(neighbours.database.url, "nura_door", smallest=1, largest=1)
    touched: dict[tuple[str, str], Outcome] = {}
    try:
        for table, column, _ in await columns(eyes, owners):
            sql = f"UPDATE {table} SET {column} = {column} RETURNING {owners[table]}"
            async with pool.as_person(doors, neighbours.bob) as conn:
                touched[table, column] = await attempted(conn, sql)  # type: ignore[arg-type]
        for table in owners:
            sql = f"DELETE FROM {table} RETURNING {owners[table]}"
            async with pool.as_person(doors, neighbours.bob) as conn:
                touched[table, "(deleted)"] = await attempted(conn, sql)  # type: ignore[arg-type]
    finally:
        doors.terminate()

    done = {place: [row[0] for row in rows] for place, rows in touched.items() if not isinstance(rows, str)}
    assert {tuple(whose) for whose in done.values()} == {(neighbours.bob,)}
    assert ("public.conversations", "(deleted)") in done
    assert ("public.users", "display_name") in done
    assert ("public.users", "email") not in done
    assert ("public.conversations", "total_duration_minutes") not in done
    assert ("public.messages", "content") not in done
    assert ("nura.tombstones", "(deleted)") not in done


async def test_the_door_cannot_write_in_another_persons_name(neighbours: Neighbours) -> None:
    doors = await pool.open_pool(neighbours.database.url, "nura_door", smallest=1, largest=1)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with pool.as_person(doors, neighbours.ann) as conn:
                await conn.execute("INSERT INTO conversations (user_id) VALUES ($1)", neighbours.bob)
    finally:
        doors.terminate()


async def test_a_level_never_falls_whoever_writes_it(
    neighbours: Neighbours, eyes: asyncpg.Connection
) -> None:
    levels = ["none", "low", "high", "critical", "moderate", "none"]
    seen = []
    attempt = eyes.transaction()
    await attempt.start()
    for level in levels:
        seen.append(
            await eyes.fetchval(
                """
                UPDATE conversations SET crisis_level = $2::varchar, safety_plan_triggered = ($2::varchar = 'high')
                 WHERE id = $1
                RETURNING crisis_level || CASE WHEN safety_plan_triggered THEN '!' ELSE '' END
                """,
                f"{neighbours.ann}-c",
                level,
            )
        )
    await attempt.rollback()

    assert seen == ["none", "low", "high!", "critical!", "critical!", "critical!"]


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_writes_a_message_of_one_person_into_anothers_conversation(
    neighbours: Neighbours, role: str
) -> None:
    conn = await acting(neighbours, role)
    try:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)):
            await conn.execute(
                """
                INSERT INTO messages (conversation_id, user_id, content, role, seq, client_id)
                VALUES ($1, $2, 'words', 'user', 9, 'k9')
                """,
                f"{neighbours.bob}-c",
                neighbours.ann,
            )
    finally:
        await conn.close()


@pytest.mark.parametrize(
    "sql",
    [
        """INSERT INTO messages (conversation_id, user_id, content, role, seq, client_id)
           VALUES ('{bob}-c', '{ann}', 'words', 'user', 9, 'k9')""",
        "UPDATE messages SET conversation_id = '{bob}-c', client_id = 'k9', seq = 9 WHERE id = '{ann}-m'",
        "UPDATE conversations SET user_id = '{ann}' WHERE id = '{bob}-c'",
        """INSERT INTO memory_items (user_id, conversation_id, content, memory_type)
           VALUES ('{ann}', '{bob}-c', 'a fact', 'personal_fact')""",
        """INSERT INTO memory_items (user_id, message_id, content, memory_type)
           VALUES ('{ann}', '{bob}-m', 'a fact', 'personal_fact')""",
        "INSERT INTO call_summaries (call_id, user_id, summary_json) VALUES ('{bob}-v', '{ann}', '{{}}')",
        """INSERT INTO nura.crisis_events (user_id, conversation_id, source, level, indicators)
           VALUES ('{ann}', '{bob}-c', 'title', 'high', '{{}}')""",
        "UPDATE nura.reply_runs SET conversation_id = '{bob}-c' WHERE user_id = '{ann}'",
        "UPDATE nura.reply_runs SET user_id = '{bob}' WHERE user_id = '{ann}'",
        """INSERT INTO nura.tombstones (conversation_id, user_id, seq, removed_seq, client_id, message_id, committed_at)
           VALUES ('{bob}-c', '{ann}', 9, 8, 'k8', 'gone', now())""",
        "INSERT INTO nura.trims (conversation_id, user_id, seq, before_seq) VALUES ('{bob}-c', '{ann}', 9, 1)",
        "INSERT INTO nura.read_marks (conversation_id, user_id, seq) VALUES ('{bob}-c', '{ann}', 1)",
        """INSERT INTO nura.refresh_tokens (token_hash, session_id, user_id, expires_at)
           VALUES (sha256('x'), '{bob}-s', '{ann}', now())""",
        "UPDATE nura.refresh_tokens SET user_id = '{bob}' WHERE user_id = '{ann}'",
    ],
)  # fmt: skip
async def test_rows_of_two_people_cannot_be_tied_together_even_by_a_superuser(
    neighbours: Neighbours, eyes: asyncpg.Connection, sql: str
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with eyes.transaction():
            await eyes.execute(sql.format(ann=neighbours.ann, bob=neighbours.bob))
