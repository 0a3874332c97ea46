"""Every column of `conversations` that follows from what people do has its writer; here those of the batch."""

from datetime import datetime

import asyncpg
import pytest

from databases import Database
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, conversations, pool
from nura_rt.store.pool import as_person
from rows import make_conversation, make_person, one, turn

BACKDATE = "UPDATE conversations SET last_message_at = last_message_at - $2::interval WHERE id = $1"
DURATION = "SELECT total_duration_minutes FROM conversations WHERE id = $1"
OWN_TIME = 0.5  # minutes the test itself may take on a slow machine


@pytest.mark.parametrize(
    ("pauses", "minutes"),
    [([], 0.0), ([10], 10.0), ([10, 5], 15.0), ([29], 29.0), ([31], 0.0), ([10, 60, 5], 15.0)],
)
async def test_a_talk_lasts_as_long_as_its_pauses_of_up_to_half_an_hour(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, pauses: list[int], minutes: float
) -> None:
    person_id = await make_person(root)
    conversation_id = await make_conversation(root, person_id)
    await batch.keep(writer_conn, [turn(person_id, conversation_id)], levels=LEVELS, lease_s=30)

    for pause in pauses:
        await root.execute(BACKDATE.replace("$2::interval", f"interval '{pause} minutes'"), conversation_id)
        await batch.keep(writer_conn, [turn(person_id, conversation_id)], levels=LEVELS, lease_s=30)

    (lasted,) = await one(root, DURATION, conversation_id)
    assert minutes <= lasted < minutes + OWN_TIME


async def test_a_message_moves_the_counters_and_the_moments(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person_id = await make_person(root)
    conversation_id = await make_conversation(root, person_id)
    row = turn(person_id, conversation_id, level="high")

    await batch.keep(writer_conn, [row], levels=LEVELS, lease_s=30)

    found = await root.fetchrow("SELECT * FROM conversations WHERE id = $1", conversation_id)
    assert found is not None
    assert (found["message_count"], found["last_seq"], found["crisis_level"]) == (1, 1, "high")
    assert found["safety_plan_triggered"] is True
    assert isinstance(found["last_message_at"], datetime)
    assert found["updated_at"] == found["last_message_at"] > found["created_at"]


@pytest.mark.parametrize("status", ["active", "archived", "ended"])
@pytest.mark.parametrize("session_type", ["chat", "voice", "checkup"])
async def test_the_door_writes_what_a_person_says_of_a_conversation(
    root: asyncpg.Connection, database: Database, session_type: str, status: str
) -> None:
    person_id = await make_person(root)
    door = await pool.open_pool(database.url, "nura_door", smallest=1, largest=1)
    try:
        async with as_person(door, person_id) as conn:
            made = await conversations.create(
                conn,
                person_id=person_id,
                client_id="k1",
                title="A walk",
                description="By the sea",
                session_type=session_type,
                crisis_level="none",
            )
        async with as_person(door, person_id) as conn:
            await conversations.change(
                conn,
                person_id=person_id,
                conversation_id=made.id,
                words=conversations.Words(title=None, status=status),
                level="none",
                unchanged_since=None,
            )
    finally:
        door.terminate()

    found = await one(
        root, "SELECT title, description, session_type, status FROM conversations WHERE id = $1", made.id
    )
    assert found == (None, "By the sea", session_type, status)
