"""A migration under a running instance: what the older version had prepared goes on, and what it asks by name fits."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from databases import scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate, pool
from nura_rt.store.pool import as_person
from rows import make_conversation, make_person

# As they stood in the version of migration 0011.
SEEN_BY = """
    SELECT id, title, description, session_type, status, crisis_level, last_seq, read_seq, message_count,
           total_duration_minutes, created_at, updated_at, last_message_at
      FROM nura.conversation_seen_by($1, $2)
    """
LIST_OF = """
    SELECT now() - interval '1 minute' AS as_of, id, title, description, session_type, status, crisis_level,
           last_seq, read_seq, message_count, total_duration_minutes, created_at, updated_at, last_message_at
      FROM (SELECT) AS always_a_row LEFT JOIN nura.conversations_of($1, $2, $3, $4, $5, $6) ON true
    """
INSERT = """
    WITH locked AS MATERIALIZED (
      SELECT c.id, c.user_id, c.last_seq FROM conversations c WHERE c.id = $1 FOR NO KEY UPDATE),
    heads AS (
      UPDATE conversations c SET last_seq = c.last_seq + 1, message_count = c.message_count + 1, last_message_at = now()
        FROM locked l WHERE c.id = l.id)
    INSERT INTO messages (id, conversation_id, user_id, client_id, role, content, seq)
    SELECT gen_random_uuid(), id, user_id, $2, 'user', 'words', last_seq + 1 FROM locked
    """
DELETE = "DELETE FROM conversations WHERE user_id = $1 AND id = $2 RETURNING id"


def up_to(folder: Path, version: str) -> Path:
    """The migrations as they were when this was the newest."""
    folder.mkdir()
    for path in migrate.sql_folder().glob("migrations/0*.sql"):
        if path.name[:4] <= version:
            shutil.copy(path, folder)
    return folder


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return up_to(tmp_path / "older", "0011")


async def test_an_older_instance_goes_on_while_the_newer_ones_arrive(stores: Addresses, older: Path) -> None:
    async with scratch(stores, migrated=False) as database:
        await migrate.up(database.url, older)
        root = await asyncpg.connect(database.admin_url)
        person = await make_person(root)
        conversation = await make_conversation(root, person)
        reads = await pool.connect(database.url, "nura_app")
        writes = await pool.connect(database.url, "nura_writer")
        seen_by, list_of, insert = (
            await reads.prepare(SEEN_BY),
            await reads.prepare(LIST_OF),
            await writes.prepare(INSERT),
        )
        listing = (person, None, None, None, None, 10)
        try:
            for turn in range(8):  # prepared statements settle on a generic plan
                await insert.fetch(conversation, f"k{turn}")
                await seen_by.fetch(person, conversation)
                await list_of.fetch(*listing)

            applied = await migrate.up(database.url)
            await insert.fetch(conversation, "late")
            seen, listed = await seen_by.fetch(person, conversation), await list_of.fetch(*listing)
            fresh = await pool.connect(database.url, "nura_app")
            again = await fresh.fetch(SEEN_BY, person, conversation)
            await fresh.close()
            doors = await pool.open_pool(database.url, "nura_door", smallest=1, largest=1)
            async with as_person(doors, person) as conn:
                deleted = await conn.fetchval(DELETE, person, conversation)
            doors.terminate()
        finally:
            for conn in (root, reads, writes):
                await conn.close()

    assert applied[0] == "0012"
    assert [row["last_seq"] for row in (*seen, *listed, *again)] == [9, 9, 9]
    assert deleted == conversation


async def test_tombstones_of_before_are_taken_over(stores: Addresses, older: Path, tmp_path: Path) -> None:
    newer = up_to(tmp_path / "newer", "0012")
    async with scratch(stores, migrated=False) as database:
        await migrate.up(database.url, older)
        root = await asyncpg.connect(database.admin_url)
        person = await make_person(root)
        conversation = await make_conversation(root, person)
        await root.execute(
            """
            INSERT INTO nura.tombstones (conversation_id, user_id, seq, removed_seq, client_id)
            VALUES ($1, $2, 3, 1, 'k1'), ($1, $2, 4, 2, 'k2')
            """,
            conversation,
            person,
        )

        await migrate.up(database.url, newer)
        await migrate.down(database.url, folder=newer)
        await migrate.up(database.url, newer)

        found = await root.fetch("SELECT removed_seq, message_id FROM nura.tombstones ORDER BY 1")
        await root.close()
    assert [row["removed_seq"] for row in found] == [1, 2]
    assert len({row["message_id"] for row in found}) == 2
