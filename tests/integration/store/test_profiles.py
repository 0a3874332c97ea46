"""A person's own columns: one change at a time, and nothing of a deleted person."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database
from nura_rt.store import pool, profiles
from nura_rt.store.pool import as_person
from rows import make_person


@pytest.fixture
async def door(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=2)
    yield opened
    opened.terminate()


async def test_who_changes_a_profile_holds_it_until_the_commit(
    root: asyncpg.Connection, door: asyncpg.Pool
) -> None:
    person_id = await make_person(root)
    async with as_person(door, person_id) as first, as_person(door, person_id) as second:
        await profiles.held(first, person_id)
        await second.execute("SET LOCAL lock_timeout = '50ms'")

        with pytest.raises(asyncpg.LockNotAvailableError):
            await profiles.held(second, person_id)


async def test_what_was_written_is_read_back(root: asyncpg.Connection, door: asyncpg.Pool) -> None:
    person_id = await make_person(root)
    own = profiles.Own("Ada L", "Ada", "Walks", "https://x.example/a.png", {"memory": False})
    async with as_person(door, person_id) as conn:
        await profiles.write(conn, person_id, own)

        held = await profiles.held(conn, person_id)

    assert held == own


async def test_a_deleted_person_has_no_profile(root: asyncpg.Connection, door: asyncpg.Pool) -> None:
    person_id = await make_person(root)
    await root.execute("UPDATE users SET deleted_at = now() WHERE id = $1", person_id)

    async with as_person(door, person_id) as conn:
        found = (await profiles.find(conn, person_id), await profiles.held(conn, person_id))

    assert found == (None, None)
