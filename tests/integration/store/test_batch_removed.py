"""A removed message's client_id stays taken for ever: a late retry is a repeat, whenever it comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, pool, tombstones, trims
from nura_rt.store.batch import Kept, Row
from nura_rt.store.pool import as_person
from rows import make_conversation, make_person, one, turn

CARD = {"type": "support", "notice_id": "support-x", "level": "high", "text": "…", "resources": []}


@pytest.fixture
async def door(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=2)
    yield opened
    opened.terminate()


async def keep(conn: asyncpg.Connection, *rows: Row) -> list[Kept]:
    kept = await batch.keep(conn, rows, levels=LEVELS, lease_s=3600)
    return [kept[index] for index in range(len(rows))]


async def remove(door: asyncpg.Pool, row: Row, *, how: str = "removal") -> None:
    where = {"person_id": row.person_id, "conversation_id": row.conversation_id}
    async with as_person(door, row.person_id) as conn:
        await tombstones.hold(conn, **where)
        if how == "removal":
            await tombstones.remove(conn, **where, message_id=row.message_id)
        else:
            await trims.trim(conn, **where, before_seq=2**53)


@pytest.mark.parametrize("how", ["removal", "trim"])
async def test_a_late_retry_of_a_removed_message_gets_the_original_answer(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, door: asyncpg.Pool, how: str
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    first = turn(person, conversation, client_id="k1")
    (kept,) = await keep(writer_conn, first)
    await remove(door, first, how=how)

    again, fresh = await keep(
        writer_conn, turn(person, conversation, client_id="k1"), turn(person, conversation)
    )

    assert (again.id, again.seq, again.created_at, again.removed) == (
        first.message_id,
        1,
        kept.created_at,
        True,
    )
    assert (fresh.seq, fresh.removed) == (3, False)
    assert await root.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", person) == 1


async def test_what_was_kept_and_removed_while_a_batch_waited_is_not_kept_again(
    database: Database, root: asyncpg.Connection, writer_conn: asyncpg.Connection, door: asyncpg.Pool
) -> None:
    """The batch's snapshot is older than its locks: neither the message nor the tombstone is in it."""
    person = await make_person(root)
    held, free = sorted([await make_conversation(root, person), await make_conversation(root, person)])
    original = turn(person, free, client_id="k1")
    holder = await asyncpg.connect(database.admin_url)
    try:
        holding = holder.transaction()
        await holding.start()
        await holder.execute("SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE", held)
        other = await pool.connect(database.url, "nura_writer")
        waiting = asyncio.create_task(keep(other, turn(person, held), turn(person, free, client_id="k1")))

        async def it_waits() -> bool:
            return bool(
                await root.fetchval(
                    "SELECT true FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'",
                    other.get_server_pid(),
                )
            )

        while not await it_waits():  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0.01)
        await keep(writer_conn, original)
        await remove(door, original)
        await holding.rollback()
        _, again = await waiting
        await other.close()
    finally:
        with contextlib.suppress(asyncpg.PostgresError):
            await holder.close()

    assert (again.id, again.seq, again.removed) == (original.message_id, 1, True)
    assert await root.fetchval("SELECT count(*) FROM messages WHERE conversation_id = $1", free) == 0


async def test_a_notice_is_kept_with_its_message_and_only_then(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person, stranger = await make_person(root), await make_person(root)
    conversation = await make_conversation(root, person)
    kept = turn(person, conversation, notice=CARD | {"notice_id": "support-1"}, client_id="k1")
    repeat = turn(person, conversation, notice=CARD | {"notice_id": "support-2"}, client_id="k1")
    foreign = turn(stranger, conversation, notice=CARD | {"notice_id": "support-3"})
    harmless = turn(person, conversation)

    await keep(writer_conn, kept, harmless)
    await batch.keep(writer_conn, [repeat, foreign], levels=LEVELS, lease_s=3600)

    found = await root.fetchrow(
        """
        SELECT n.kind, n.key, n.frame ->> 'type' AS type, n.expires_at = 'infinity' AS kept_for_ever,
               n.acknowledged_at, n.xmin = m.xmin AS same_commit
          FROM nura.notices n, messages m WHERE n.user_id = $1 AND m.id = $2
        """,
        person,
        kept.message_id,
    )
    assert found is not None
    assert tuple(found) == ("support", "support-1", "support", True, None, True)
    assert await one(
        root, "SELECT count(*) FROM nura.notices WHERE user_id = any($1)", [person, stranger]
    ) == (1,)
