"""A removal waits for the conversation first, as the writer does: then it sees and takes all that is there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from nura_rt.conversation.removal import Removal
from nura_rt.conversation.threads import NotThere
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch
from nura_rt.store.batch import Row
from nura_rt.store.tombstones import Removed
from rows import one

Place = Callable[..., Row]
WAITING = "SELECT true FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"


@asynccontextmanager
async def meanwhile(
    root: asyncpg.Connection, holder: asyncpg.Connection, sql: str, row: Row, work: Awaitable[object]
) -> AsyncIterator[asyncio.Future[object]]:
    """`work` begins while `holder` is in the middle of `sql`; what is in the block happens while it waits."""
    holding = holder.transaction()
    await holding.start()
    await holder.execute(sql, row.conversation_id)
    begun = asyncio.ensure_future(work)
    while not await root.fetchval(WAITING):
        assert not begun.done(), "it did not wait"
        await asyncio.sleep(0.01)
    yield begun
    await holding.commit()


async def test_it_touches_no_message_before_it_has_the_conversation(
    root: asyncpg.Connection, admin_conn: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place,
    removal: Removal,
) -> None:  # fmt: skip
    row = place()
    await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=3600)
    hold = "SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE"
    work = removal.remove(row.person_id, row.conversation_id, row.message_id)

    async with meanwhile(root, admin_conn, hold, row, work) as removing:
        free = await root.fetch("SELECT id FROM messages WHERE id = $1 FOR UPDATE NOWAIT", row.message_id)

    assert len(free) == 1
    assert await removing == Removed(seq=2, removed_seq=1)


async def test_a_removal_in_a_conversation_that_is_being_deleted_finds_nothing(
    root: asyncpg.Connection, admin_conn: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place,
    removal: Removal,
) -> None:  # fmt: skip
    row = place()
    await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=3600)
    work = removal.remove(row.person_id, row.conversation_id, row.message_id)

    async with meanwhile(root, admin_conn, "DELETE FROM conversations WHERE id = $1", row, work) as removing:
        pass

    with pytest.raises(NotThere):
        await removing


async def test_a_trim_takes_what_was_being_kept_when_it_began(
    root: asyncpg.Connection, admin_conn: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place,
    removal: Removal,
) -> None:  # fmt: skip
    row = place()
    await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=3600)
    late = """
        WITH head AS (
          UPDATE conversations SET last_seq = 2, message_count = 2 WHERE id = $1 RETURNING id, user_id, last_seq)
        INSERT INTO messages (conversation_id, user_id, seq, client_id, role, content)
        SELECT id, user_id, last_seq, 'late', 'user', 'words' FROM head
        """

    async with meanwhile(
        root, admin_conn, late, row, removal.trim(row.person_id, row.conversation_id, 2**53)
    ) as trimming:
        pass
    await trimming

    assert await one(
        root,
        """
        SELECT last_seq, tail_seq, message_count, (SELECT count(*) FROM messages WHERE conversation_id = c.id)
          FROM conversations c WHERE id = $1
        """,
        row.conversation_id,
    ) == (3, 3, 0, 0)
