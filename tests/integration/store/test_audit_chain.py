"""The audit log is a chain: who appends cannot change it, and what was changed or taken out shows."""

import asyncio

import asyncpg
import pytest

from databases import Database
from nura_rt.store import pool
from rows import make_person

BROKEN = """
    SELECT id FROM (
      SELECT a.id, a.digest = nura.audit_digest(a) AS true_to_itself,
             a.previous = coalesce(lag(a.digest) OVER (ORDER BY a.id), sha256('')) AS follows
        FROM nura.audit_log a) checked
     WHERE NOT (true_to_itself AND follows)
"""


async def append(database: Database, role: str, person_id: str, action: str) -> None:
    conn = await pool.connect(database.url, role)
    try:
        await conn.execute("SET lock_timeout = 0")  # each waits for the commits of all before it
        await conn.execute(
            "INSERT INTO nura.audit_log (actor, user_id, action) VALUES ('system', $1, $2)", person_id, action
        )
    finally:
        await conn.close()


@pytest.fixture
async def ann(root: asyncpg.Connection) -> str:
    return await make_person(root)


async def test_rows_of_many_at_once_make_one_chain(
    database: Database, root: asyncpg.Connection, ann: str
) -> None:
    roles = ("nura_auth", "nura_worker") * 8
    await asyncio.gather(*(append(database, role, ann, f"test-{n}") for n, role in enumerate(roles)))

    assert await root.fetchval("SELECT count(*) FROM nura.audit_log WHERE user_id = $1", ann) == 16
    assert await root.fetch(BROKEN) == []
    assert await root.fetchval("SELECT count(*) = max(id) FROM nura.audit_log")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE nura.audit_log SET action = 'nothing' WHERE id = $1",
        "UPDATE nura.audit_log SET at = at - interval '1 day' WHERE id = $1",
        "UPDATE nura.audit_log SET actor = 'operator' WHERE id = $1",
        "UPDATE nura.audit_log SET detail = '{\"more\": 1}' WHERE id = $1",
        "UPDATE nura.audit_log SET person_digest = sha256('x') WHERE id = $1",
        "DELETE FROM nura.audit_log WHERE id = $1",
    ],
)
async def test_tampering_shows(
    database: Database, root: asyncpg.Connection, ann: str, tampering: str
) -> None:
    for action in ("one", "two", "three"):
        await append(database, "nura_auth", ann, action)
    middle = await root.fetchval("SELECT max(id) - 1 FROM nura.audit_log")
    attempt = root.transaction()
    await attempt.start()
    await root.execute(tampering, middle)

    broken = await root.fetch(BROKEN)

    await attempt.rollback()
    assert broken != []


async def test_an_erased_person_leaves_the_chain_whole(
    database: Database, root: asyncpg.Connection, ann: str
) -> None:
    await append(database, "nura_auth", ann, "signed_in")

    await root.execute("DELETE FROM users WHERE id = $1", ann)

    assert await root.fetch(BROKEN) == []
    assert await root.fetchval("SELECT count(*) FROM nura.audit_log WHERE user_id = $1", ann) == 0
