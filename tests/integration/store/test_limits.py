"""Every connection of ours has its time limits from its first statement, and the ages the issue names."""

import inspect

import pytest

from databases import Database
from nura_rt.store import pool
from nura_rt.store.bootstrap import LOGIN_ROLES

LIMITS = """
    SELECT current_user::text, current_setting('statement_timeout'), current_setting('lock_timeout'),
           current_setting('idle_in_transaction_session_timeout')
    """


@pytest.mark.parametrize("role", LOGIN_ROLES)
async def test_a_connection_acts_as_its_role_within_its_limits(database: Database, role: str) -> None:
    conn = await pool.connect(database.url, role)
    try:
        found = await conn.fetchrow(LIMITS)
    finally:
        await conn.close()

    assert tuple(found or ()) == (role, "10s", "2s", "30s")


async def test_a_pools_connection_has_them_too(database: Database) -> None:
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=1)
    try:
        found = await opened.fetchrow(LIMITS)
    finally:
        opened.terminate()

    assert tuple(found or ()) == ("nura_door", "10s", "2s", "30s")


async def test_a_person_who_is_acted_for_keeps_them(database: Database) -> None:
    """`authenticated` may have limits of its own at Supabase: SET ROLE does not bring them along."""
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=1)
    try:
        async with opened.acquire() as conn, conn.transaction():
            await conn.execute("SELECT nura.become('nobody')")
            found = await conn.fetchrow(LIMITS)
    finally:
        opened.terminate()

    assert tuple(found or ()) == ("authenticated", "10s", "2s", "30s")


def test_a_connection_grows_an_hour_old_and_is_asked_after_half_a_minute() -> None:
    given = inspect.signature(pool.open_pool).parameters

    assert (given["max_age_s"].default, given["ping_after_s"].default) == (3_600, 30)
