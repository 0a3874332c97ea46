"""All that locks a conversation, at once: nobody waits for ever, nothing fails that should not, seqs stay dense."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from nura_rt.conversation.create import Written
from nura_rt.conversation.reading import ReadMarks
from nura_rt.conversation.removal import Removal
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.threads import NotThere, Threads
from nura_rt.conversation.words import Words
from nura_rt.conversation.writer import Kept, Writer
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.store import reply_runs
from nura_rt.store.batch import Row
from nura_rt.telemetry import Counters
from relayed import Relayed
from rows import make_conversation, make_person, turn

SEQS = """
    SELECT c.last_seq, array(
             SELECT seq FROM messages WHERE conversation_id = c.id
             UNION ALL SELECT removed_seq FROM nura.tombstones WHERE conversation_id = c.id
             UNION ALL SELECT seq FROM nura.tombstones WHERE conversation_id = c.id AND NOT trimmed
             UNION ALL SELECT seq FROM nura.trims WHERE conversation_id = c.id ORDER BY 1) AS seqs
      FROM conversations c WHERE c.id = any($1::text[])
    """


async def all_at_once(chance: random.Random, *acts: tuple[Callable[[], Awaitable[None]], int]) -> None:
    """Each so many times, a little apart; what is gone by then is passed over."""

    async def often(work: Callable[[], Awaitable[None]], times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0.01 * chance.random())
            with suppress(NotThere):
                await work()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for work, times in acts:
            group.create_task(often(work, times))


@pytest.mark.parametrize("seed", [1, 2])
async def test_all_that_locks_a_conversation_may_happen_at_once(
    root: asyncpg.Connection, writer: Writer, removal: Removal, work: asyncpg.Pool, heads: asyncpg.Pool,
    door: asyncpg.Pool, people: asyncpg.Pool, relayed: Relayed, seed: int,
) -> None:  # fmt: skip
    chance = random.Random(seed)
    person = await make_person(root)
    rooms = [await make_conversation(root, person) for _ in range(6)]
    reading = ReadMarks(heads, relayed.hub, Counters())
    words = Words(Pipeline.load(), SupportCards(relayed.hub, lambda level: (level, [])))
    threads = Threads(
        words,
        Written(door, people, relayed.hub),
        Talks(people=people, door=door, keyring=None, hub=relayed.hub, counters=Counters()),
    )
    kept: list[Row] = []

    async def send() -> None:
        rows = [turn(person, chance.choice(rooms), reply_token=str(uuid.uuid4())) for _ in range(6)]
        outcomes = await asyncio.gather(*(writer.keep(row) for row in rows))
        kept.extend(outcome.row for outcome in outcomes if isinstance(outcome, Kept))
        assert {outcome.why for outcome in outcomes if not isinstance(outcome, Kept)} <= {"not_found"}

    async def remove() -> None:
        row = chance.choice(kept)
        await removal.remove(person, row.conversation_id, row.message_id)

    async def trim() -> None:
        await removal.trim(person, chance.choice(rooms), chance.randint(1, 40))

    async def answer() -> None:
        row = chance.choice(kept)
        assert row.reply_token is not None
        try:
            await reply_runs.start(
                work, message_id=row.message_id, conversation_id=row.conversation_id, person_id=person,
                lease_token=row.reply_token,
            )  # fmt: skip
        except (asyncpg.ForeignKeyViolationError, asyncpg.DeadlockDetectedError):
            return  # as the job function knows them

    async def read() -> None:
        for room in rooms:
            reading.note(person, room, chance.randint(1, 40))
        try:
            await reading.flush()
        except (asyncpg.ForeignKeyViolationError, asyncpg.DeadlockDetectedError):
            return  # asked again, as it says

    async def delete() -> None:
        await threads.remove(person, chance.choice(rooms[3:]))

    await send()
    await all_at_once(
        chance,
        (send, 25), (send, 25), (remove, 60), (remove, 60), (trim, 30), (answer, 60), (read, 60), (delete, 8),
    )  # fmt: skip

    for row in await root.fetch(SEQS, rooms):
        assert row["seqs"] == list(range(1, row["last_seq"] + 1))
