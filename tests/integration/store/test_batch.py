"""The one statement that keeps turns, against a real PostgreSQL and against other writers at the same moment."""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from datetime import datetime

import asyncpg
import pytest

from databases import Database
from nura_rt.pipeline.turn import LEVELS, Level
from nura_rt.store import batch, pool
from nura_rt.store.batch import Kept, Row
from rows import make_conversation, make_person, one, turn

WRITERS, ROUNDS, CONVERSATIONS, MESSAGES = 5, 40, 3, 250
LEASE_S = 3600.0
LEVEL_NOW = "SELECT crisis_level, safety_plan_triggered FROM conversations WHERE id = $1"


async def patient_writer(database: Database) -> asyncpg.Connection:
    """As the server's writer, but however slow the commits of others are, it waits for their locks."""
    conn = await pool.connect(database.url, "nura_writer")
    await conn.execute("SET lock_timeout = 0")
    return conn


async def keep(conn: asyncpg.Connection, *rows: Row) -> dict[int, Kept]:
    return await batch.keep(conn, rows, levels=LEVELS, lease_s=LEASE_S)


async def keep_through_repeats(conn: asyncpg.Connection, rows: list[Row]) -> dict[int, Kept]:
    while True:
        try:
            return await keep(conn, *rows)
        except asyncpg.UniqueViolationError as error:
            # two may keep the same message at once; two may never give the same seq
            if error.constraint_name == "messages_conversation_id_seq_key":
                raise


async def test_writers_at_once_give_dense_seqs_and_one_answer_to_every_repeat(
    database: Database, root: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversations = [await make_conversation(root, person) for _ in range(CONVERSATIONS)]
    wanted = [(conversations[number % CONVERSATIONS], f"k{number}") for number in range(MESSAGES)]
    fixed_ids = {key: str(uuid.uuid4()) for key in wanted}
    answers: dict[tuple[str, str], set[tuple[str, int, datetime]]] = defaultdict(set)

    async def write(seed: int) -> None:
        chance = random.Random(seed)
        conn = await patient_writer(database)
        try:
            for _ in range(ROUNDS):
                keys = chance.sample(wanted, chance.randint(1, 20))
                # a retry of the same instance has the same id, another instance's has its own
                ids = [fixed_ids[key] if chance.random() < 0.5 else str(uuid.uuid4()) for key in keys]
                rows = [
                    turn(
                        person,
                        conversation,
                        client_id=client_id,
                        message_id=an_id,
                        reply_token=str(uuid.uuid4()),
                    )
                    for (conversation, client_id), an_id in zip(keys, ids, strict=True)
                ]
                kept = await keep_through_repeats(conn, rows)
                assert len(kept) == len(rows)
                for index, key in enumerate(keys):
                    answers[key].add((kept[index].id, kept[index].seq, kept[index].created_at))
        finally:
            await conn.close()

    async with asyncio.TaskGroup() as group:
        for seed in range(WRITERS):
            group.create_task(write(seed))

    stored = await root.fetch(
        "SELECT conversation_id, client_id, id, seq, created_at FROM messages WHERE user_id = $1", person
    )
    seqs = defaultdict(list)
    for row in stored:
        seqs[row["conversation_id"]].append(row["seq"])
    heads = await root.fetch(
        "SELECT id, last_seq, message_count FROM conversations WHERE user_id = $1", person
    )
    assert {row["id"]: sorted(seqs[row["id"]]) for row in heads} == {
        row["id"]: list(range(1, row["last_seq"] + 1)) for row in heads
    }
    assert all(row["message_count"] == row["last_seq"] for row in heads)
    assert answers == {
        (row["conversation_id"], row["client_id"]): {(row["id"], row["seq"], row["created_at"])}
        for row in stored
    }
    assert len(stored) > MESSAGES // 2
    assert await root.fetchval("SELECT count(*) FROM nura.jobs WHERE user_id = $1", person) == len(stored)


async def test_rows_keep_their_order(root: asyncpg.Connection, writer_conn: asyncpg.Connection) -> None:
    person = await make_person(root)
    one, two = await make_conversation(root, person), await make_conversation(root, person)
    rows = [turn(person, conversation) for conversation in (one, two, one, one, two)]

    kept = await keep(writer_conn, *rows)

    assert [kept[index].seq for index in range(5)] == [1, 1, 2, 3, 2]
    assert [kept[index].id for index in range(5)] == [row.message_id for row in rows]


async def test_a_foreign_row_drops_out_and_the_batch_goes_on(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    ann, bob = await make_person(root), await make_person(root)
    anns, bobs = await make_conversation(root, ann), await make_conversation(root, bob)

    kept = await keep(
        writer_conn, turn(ann, anns), turn(ann, bobs), turn(ann, "missing"), turn(bob, anns), turn(bob, bobs)
    )

    assert {index: item.seq for index, item in kept.items()} == {0: 1, 4: 1}
    assert await root.fetchval("SELECT count(*) FROM messages WHERE user_id = any($1)", [ann, bob]) == 2


async def test_a_repeat_by_another_person_is_not_answered(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    ann, bob = await make_person(root), await make_person(root)
    anns = await make_conversation(root, ann)
    await keep(writer_conn, turn(ann, anns, client_id="k1"))

    kept = await keep(writer_conn, turn(bob, anns, client_id="k1"))

    assert kept == {}


async def test_the_text_of_a_repeat_is_ignored(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    first = turn(person, conversation, client_id="k1", content="first", reply_token=str(uuid.uuid4()))
    original = await keep(writer_conn, first)

    again = await keep(
        writer_conn,
        turn(person, conversation, client_id="k1", content="second", reply_token=str(uuid.uuid4())),
        turn(person, conversation, client_id="k2"),
    )

    assert (again[0].id, again[0].seq, again[0].created_at) == (first.message_id, 1, original[0].created_at)
    assert again[1].seq == 2
    assert await root.fetchval("SELECT content FROM messages WHERE id = $1", first.message_id) == "first"
    assert await root.fetchval("SELECT count(*) FROM nura.jobs WHERE user_id = $1", person) == 1


@pytest.mark.parametrize("level", LEVELS)
async def test_a_crisis_is_written_with_the_words_that_caused_it(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, level: Level
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    row = turn(person, conversation, level=level, indicators={"level": level, "rule": "r1"})

    await keep(writer_conn, row)

    grave = level in ("high", "critical")
    found = await one(
        root,
        """
        SELECT c.crisis_level, c.safety_plan_triggered, m.requires_intervention,
               m.crisis_indicators ->> 'rule' AS rule,
               (SELECT array_agg(e.level) FROM nura.crisis_events e
                 WHERE e.message_id = m.id AND e.xmin = m.xmin AND e.source = 'message') AS told
          FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = $1
        """,
        row.message_id,
    )
    told = [level] if level in ("moderate", "high", "critical") else None
    assert found == (level, grave, grave, "r1", told)


async def test_a_conversations_level_is_raised_and_never_lowered(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    seen = []

    for levels in (("low", "none"), ("none", "high", "low"), ("moderate",), ("critical",), ("none",)):
        await keep(writer_conn, *(turn(person, conversation, level=level) for level in levels))
        seen.append(await one(root, LEVEL_NOW, conversation))

    assert seen == [
        ("low", False),
        ("high", True),
        ("high", True),
        ("critical", True),
        ("critical", True),
    ]


async def test_an_assistants_words_are_no_crisis_event(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)

    await keep(writer_conn, turn(person, conversation, role="assistant", level="high"))

    assert await root.fetchval("SELECT count(*) FROM nura.crisis_events WHERE user_id = $1", person) == 0


async def test_many_conversations_in_opposite_orders_do_not_lock_each_other_out(
    database: Database, root: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversations = [await make_conversation(root, person) for _ in range(20)]

    async def write(order: list[str]) -> Counter[int]:
        conn = await patient_writer(database)
        try:
            seqs: Counter[int] = Counter()
            for _ in range(15):
                kept = await keep(conn, *(turn(person, conversation) for conversation in order))
                seqs.update(item.seq for item in kept.values())
            return seqs
        finally:
            await conn.close()

    there, back = await asyncio.gather(write(conversations), write(conversations[::-1]))

    assert there + back == Counter({seq: 20 for seq in range(1, 31)})
