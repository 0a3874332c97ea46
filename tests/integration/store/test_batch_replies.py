"""A reply is a job of its message's own commit, and ends in the commit that keeps the reply, or nowhere."""

import uuid

import asyncpg
import msgspec

from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, jobs, reply_runs
from nura_rt.store.batch import Kept, Row
from rows import make_conversation, make_person, one, turn

LEASE_S = 3600.0


async def keep(conn: asyncpg.Connection, *rows: Row) -> dict[int, Kept]:
    return await batch.keep(conn, rows, levels=LEVELS, lease_s=LEASE_S)


async def test_the_reply_job_is_in_the_same_commit_and_already_leased(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection
) -> None:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    row = turn(person, conversation, level="low", reply_token=str(uuid.uuid4()))

    await keep(writer_conn, row, turn(person, conversation))

    found = await root.fetch(
        """
        SELECT j.kind, j.key, j.state, j.attempt, j.lease_token::text, j.payload ->> 'seq' AS seq,
               j.payload ->> 'message_id' AS message_id, j.payload ->> 'level' AS level,
               j.lease_until > now() + interval '50 min' AS held, j.xmin = m.xmin AS same_commit
          FROM nura.jobs j JOIN messages m ON 'reply:' || m.id = j.key WHERE j.user_id = $1
        """,
        person,
    )
    assert [tuple(job) for job in found] == [
        (
            "reply",
            f"reply:{row.message_id}",
            "leased",
            1,
            row.reply_token,
            "1",
            row.message_id,
            "low",
            True,
            True,
        )
    ]


class Answered(msgspec.Struct, frozen=True):
    """A kept message whose reply is being written under a lease."""

    row: Row
    lease_token: str
    run_id: str


async def being_answered(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool
) -> Answered:
    person = await make_person(root)
    row = turn(person, await make_conversation(root, person), reply_token=str(uuid.uuid4()))
    await keep(writer_conn, row)
    assert row.reply_token is not None
    run_id = await reply_runs.start(
        work,
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        person_id=person,
        lease_token=row.reply_token,
    )
    assert run_id is not None
    return Answered(row, row.reply_token, run_id)


def reply_to(asked: Row, *, fence: str) -> Row:
    return turn(
        asked.person_id,
        asked.conversation_id,
        client_id=f"reply:{asked.message_id}",
        role="assistant",
        finishes=asked.message_id,
        fence=fence,
        model="offline",
        response_ms=12,
    )


async def states(root: asyncpg.Connection, message_id: str) -> tuple[object, ...]:
    return await one(
        root,
        """
        SELECT j.state, j.lease_token, j.finished_at IS NOT NULL, r.state, r.ended_at IS NOT NULL, r.reply_message_id
          FROM nura.jobs j JOIN nura.reply_runs r ON j.key = 'reply:' || r.message_id WHERE r.message_id = $1
        """,
        message_id,
    )


async def test_a_reply_ends_its_job_and_its_run(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    asked = await being_answered(root, writer_conn, work)
    reply = reply_to(asked.row, fence=asked.lease_token)

    kept = await keep(writer_conn, reply)

    assert kept[0].seq == 2
    assert await states(root, asked.row.message_id) == (
        "done",
        None,
        True,
        "completed",
        True,
        reply.message_id,
    )
    sql = "SELECT model_used, response_time_ms FROM messages WHERE id = $1"
    assert await one(root, sql, reply.message_id) == ("offline", 12)


async def test_a_reply_without_the_lease_is_not_kept(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    asked = await being_answered(root, writer_conn, work)
    late = reply_to(asked.row, fence=str(uuid.uuid4()))
    beside = turn(asked.row.person_id, asked.row.conversation_id)

    kept = await keep(writer_conn, late, beside)

    assert {index: item.seq for index, item in kept.items()} == {1: 2}
    assert (await states(root, asked.row.message_id))[::3] == ("leased", "running")


async def test_a_reply_is_kept_once(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    asked = await being_answered(root, writer_conn, work)
    first = reply_to(asked.row, fence=asked.lease_token)
    await keep(writer_conn, first)

    again = await keep(writer_conn, reply_to(asked.row, fence=asked.lease_token))

    assert again[0].id == first.message_id


async def test_the_owner_that_took_over_writes_the_reply(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, work: asyncpg.Pool
) -> None:
    asked = await being_answered(root, writer_conn, work)
    key = f"reply:{asked.row.message_id}"
    await root.execute("UPDATE nura.jobs SET lease_until = now() - interval '1 s' WHERE key = $1", key)
    taken = next(
        job for job in await jobs.claim(work, ["reply"], limit=100, lease_s=LEASE_S) if job.key == key
    )
    run_id = await reply_runs.start(
        work,
        message_id=asked.row.message_id,
        conversation_id=asked.row.conversation_id,
        person_id=asked.row.person_id,
        lease_token=taken.lease_token,
    )

    late = await keep(writer_conn, reply_to(asked.row, fence=asked.lease_token))
    ours = await keep(writer_conn, reply_to(asked.row, fence=taken.lease_token))

    assert (late, ours[0].seq, run_id, taken.attempt) == ({}, 2, asked.run_id, 2)
    assert (await states(root, asked.row.message_id))[::3] == ("done", "completed")
