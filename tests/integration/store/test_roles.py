"""The narrow roles: each may do its work and nothing beside it, and none is above row level security."""

import asyncpg
import pytest

from databases import Database
from nura_rt.store import pool


async def test_no_role_of_ours_is_above_the_rules(root: asyncpg.Connection) -> None:
    rows = await root.fetch(
        """
        SELECT rolname FROM pg_roles
         WHERE (rolname LIKE 'nura%' OR rolname IN ('anon', 'authenticated'))
           AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
        """
    )

    assert [row["rolname"] for row in rows] == []


async def test_the_login_inherits_nothing_and_may_not_become_more(root: asyncpg.Connection) -> None:
    rows = await root.fetch(
        """
        SELECT m.rolname, coalesce((to_jsonb(r) ->> 'inherit_option')::boolean, l.rolinherit) AS inherits
          FROM pg_auth_members r
          JOIN pg_roles m ON m.oid = r.roleid JOIN pg_roles l ON l.oid = r.member WHERE l.rolname = 'nura'
        """
    )

    assert {row["rolname"] for row in rows} == {
        "nura_owner", "nura_app", "nura_door", "nura_writer", "nura_worker", "nura_auth",
        "nura_care", "nura_erasure", "nura_metrics", "nura_import",
    }  # fmt: skip
    assert not any(row["inherits"] for row in rows)
    assert not await root.fetchval("SELECT pg_has_role('nura', 'service_role', 'MEMBER')")


async def test_no_function_runs_with_the_rights_of_its_owner(root: asyncpg.Connection) -> None:
    rows = await root.fetch(
        """
        SELECT oid::regprocedure::text AS name FROM pg_proc
         WHERE prosecdef AND pronamespace IN ('public'::regnamespace, 'nura'::regnamespace)
        """
    )

    assert [row["name"] for row in rows] == []


async def test_nobody_but_the_app_may_become_a_person(root: asyncpg.Connection) -> None:
    rows = await root.fetch(
        """
        SELECT rolname FROM pg_roles
         WHERE rolname LIKE 'nura\\_%' AND has_function_privilege(rolname, 'nura.become(text)', 'EXECUTE')
        """
    )

    assert {row["rolname"] for row in rows} == {"nura_app", "nura_owner"}


@pytest.mark.parametrize(
    ("role", "sql"),
    [
        ("nura_writer", "SELECT content FROM messages"),
        ("nura_writer", "SELECT processed_content FROM messages"),
        ("nura_writer", "SELECT crisis_indicators FROM messages"),
        ("nura_writer", "SELECT * FROM messages"),
        ("nura_writer", "SELECT title FROM conversations"),
        ("nura_writer", "UPDATE messages SET content = ''"),
        ("nura_writer", "UPDATE conversations SET user_id = ''"),
        ("nura_writer", "DELETE FROM messages"),
        ("nura_writer", "SELECT level FROM nura.crisis_events"),
        ("nura_writer", "SELECT email FROM users"),
        ("nura_writer", "SELECT payload FROM nura.jobs"),
        ("nura_worker", "SELECT 1 FROM messages"),
        ("nura_worker", "SELECT 1 FROM conversations"),
        ("nura_worker", "INSERT INTO nura.jobs (kind, key, payload) VALUES ('x', 'x', '{}')"),
        ("nura_worker", "UPDATE nura.jobs SET payload = '{}'"),
        ("nura_worker", "DELETE FROM nura.jobs"),
        ("nura_auth", "SELECT 1 FROM messages"),
        ("nura_auth", "SELECT full_name FROM users"),
        ("nura_auth", "SELECT bio FROM users"),
        ("nura_auth", "SELECT service_preferences FROM user_service_profiles"),
        ("nura_auth", "UPDATE nura.sessions SET user_id = ''"),
        ("nura_auth", "UPDATE nura.audit_log SET action = ''"),
        ("nura_auth", "DELETE FROM nura.audit_log"),
        ("nura_auth", "DELETE FROM nura.sessions"),
        ("nura_worker", "SELECT service_preferences FROM user_service_profiles"),
        ("nura_worker", "SELECT wrapped FROM nura.user_keys"),
        ("nura_writer", "SELECT frame FROM nura.notices"),
        ("nura_auth", "SELECT level FROM nura.crisis_events"),
        ("nura_auth", "DELETE FROM nura.crisis_events"),
        ("nura_auth", "SELECT frame FROM nura.notices"),
        ("nura_auth", "UPDATE nura.notices SET acknowledged_at = now()"),
        ("nura_auth", "DELETE FROM users"),
        ("nura_door", "SELECT content FROM messages"),
        ("nura_door", "UPDATE messages SET seq = 1"),
        ("nura_door", "DELETE FROM nura.tombstones"),
        ("nura_door", "SELECT frame FROM nura.notices"),
        ("nura_writer", "UPDATE conversations SET tail_seq = 9"),
        ("nura_writer", "SELECT acknowledged_at FROM nura.notices"),
        ("nura_door", "UPDATE users SET email = ''"),
        ("nura_door", "UPDATE users SET xp = 1"),
        ("nura_door", "UPDATE nura.consents SET given_at = now()"),
        ("nura_door", "SELECT wrapped FROM nura.user_keys"),
        ("nura_door", "SELECT action FROM nura.audit_log"),
        ("nura_door", "SELECT 1 FROM nura.sessions"),
        ("nura_door", "SELECT 1 FROM nura.accounts"),
        ("nura_app", "SELECT 1 FROM messages"),
        ("nura_app", "SELECT password_hash FROM nura.accounts"),
        ("nura_care", "SELECT 1 FROM messages"),
        ("nura_erasure", "SELECT 1 FROM messages"),
        ("nura_metrics", "SELECT 1 FROM messages"),
        ("nura_metrics", "SELECT 1 FROM users"),
        ("nura_import", "SELECT 1 FROM messages"),
        ("nura_import", "SELECT 1 FROM nura.accounts"),
        ("nura_import", "SELECT level FROM nura.crisis_events"),
        ("nura_import", "SELECT frame FROM nura.notices"),
        ("nura_import", "UPDATE nura.notices SET acknowledged_at = now()"),
        ("nura_import", "DELETE FROM users"),
        ("nura_import", "UPDATE users SET deleted_at = now()"),
    ],
)
async def test_a_role_cannot_leave_its_work(database: Database, role: str, sql: str) -> None:
    conn = await pool.connect(database.url, role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(sql)
    finally:
        await conn.close()
