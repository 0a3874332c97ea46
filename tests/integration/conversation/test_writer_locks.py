"""A conversation that somebody else holds locked: it waits, the others do not wait for it again and again."""

import asyncio
from collections.abc import Callable

import asyncpg

from databases import Database
from nura_rt.conversation.writer import Kept, Refused, Writer
from nura_rt.store.batch import Row
from rows import make_conversation, make_person, turn
from writers import answers


async def test_a_locked_conversation_refuses_only_its_own_rows(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    person = await make_person(root)
    locked = turn(person, await make_conversation(root, person))
    rows = [place(), locked, place()]

    async with root.transaction():
        await root.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", locked.conversation_id)
        told = await answers(writer, rows)

    fate = {outcome.row.message_id: type(outcome) for outcome in told}
    assert [fate[row.message_id] for row in rows] == [Kept, Refused, Kept]
    refused = next(outcome for outcome in told if isinstance(outcome, Refused))
    assert refused.why == "degraded"


async def test_a_locked_person_refuses_only_their_own_rows(
    root: asyncpg.Connection, writer: Writer, place: Callable[..., Row]
) -> None:
    """What references them waits, and no conversation is to blame."""
    person = await make_person(root)
    locked = turn(person, await make_conversation(root, person))
    rows = [place(), locked, place()]

    async with root.transaction():
        await root.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", person)
        async with asyncio.timeout(30):
            told = await answers(writer, rows)

    fate = {outcome.row.message_id: outcome for outcome in told}
    assert [type(fate[row.message_id]) for row in rows] == [Kept, Refused, Kept]
    assert [outcome.why for outcome in told if isinstance(outcome, Refused)] == ["degraded"]


async def test_a_full_batch_waits_for_a_locked_conversation_once(
    database: Database, root: asyncpg.Connection, writer: Writer
) -> None:
    person = await make_person(root)
    locked = turn(person, await make_conversation(root, person))
    rows = [turn(person, await make_conversation(root, person)) for _ in range(63)]
    waits = "SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    watch = await asyncpg.connect(database.admin_url)  # inside a transaction the view would stand still
    async with root.transaction():
        await root.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", locked.conversation_id)
        told = asyncio.create_task(answers(writer, [*rows, locked]))
        waited = set()
        while not told.done():
            waited |= {row["query_start"] for row in await watch.fetch(waits)}
            await asyncio.sleep(0.02)
    await watch.close()

    assert len(waited) == 1
    assert sum(isinstance(outcome, Kept) for outcome in await told) == 63
