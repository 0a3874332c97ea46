"""A kept message changes a line of the list: told once however many they were, to its owner alone."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import pytest

from databases import Database
from nura_rt.conversation import activity
from nura_rt.conversation.activity import Activity
from nura_rt.pipeline.turn import LEVELS
from nura_rt.realtime import channels
from nura_rt.store import batch, pool
from nura_rt.store.batch import Row
from nura_rt.telemetry import Counters
from proxy import Proxy, postgres_socket, postgres_through
from relayed import Relayed
from rows import make_conversation, make_person
from servers import eventually

Place = Callable[..., Row]


async def keep(conn: asyncpg.Connection, *rows: Row) -> None:
    await batch.keep(conn, rows, levels=LEVELS, lease_s=3600)


async def test_many_messages_are_one_line_with_the_last_of_them(
    people: asyncpg.Pool, writer_conn: asyncpg.Connection, place: Place, relayed: Relayed
) -> None:
    ours, rows = Activity(people, relayed.hub, Counters()), [place() for _ in range(5)]
    for row in rows:
        await keep(writer_conn, row)
        ours.note(row.person_id, row.conversation_id)

    await ours.tell()
    await ours.tell()

    ((channel, seq, frame),) = relayed.said
    assert (channel, seq) == (channels.user(rows[0].person_id), None)
    assert frame is not None
    assert frame["type"] == "conversation.changed"
    line = frame["conversation"]
    assert (line["conversation_id"], line["head"], line["message_count"]) == (rows[0].conversation_id, 5, 5)


async def test_everybody_hears_of_their_own(
    root: asyncpg.Connection,
    people: asyncpg.Pool,
    relayed: Relayed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "_READ_AT_ONCE", 3)
    ours = Activity(people, relayed.hub, Counters())
    owners = {}
    for _ in range(7):
        person = await make_person(root)
        owners[await make_conversation(root, person)] = person
    for conversation, person in owners.items():
        ours.note(person, conversation)

    await ours.tell()

    told = {frame["conversation"]["conversation_id"]: channel for channel, _, frame in relayed.said if frame}
    assert told == {conversation: channels.user(person) for conversation, person in owners.items()}


async def test_another_persons_and_a_deleted_one_are_not_told(
    root: asyncpg.Connection, people: asyncpg.Pool, relayed: Relayed
) -> None:
    ours, person = Activity(people, relayed.hub, Counters()), await make_person(root)
    ours.note(person, await make_conversation(root, await make_person(root)))
    ours.note(person, "nowhere")

    await ours.tell()

    assert relayed.said == []


async def test_while_the_database_is_away_it_waits(
    database: Database, root: asyncpg.Connection, relayed: Relayed
) -> None:
    person, counters = await make_person(root), Counters()
    conversation = await make_conversation(root, person)
    async with Proxy(postgres_socket(database.url)) as wire:
        far = await pool.open_pool(
            postgres_through(database.url, wire.port), "nura_app", smallest=1, largest=1
        )
        ours = Activity(far, relayed.hub, counters)
        telling = asyncio.create_task(ours.tell_for_ever())
        try:
            wire.cut()
            ours.note(person, conversation)
            await eventually(lambda: counters.snapshot().get("activity_failed"))
            wire.heal()
            await eventually(lambda: relayed.of_type("conversation.changed"))
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            far.terminate()


async def test_what_is_kept_in_memory_is_bounded(
    people: asyncpg.Pool, relayed: Relayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_KEPT_AT_MOST", 2)
    counters = Counters()
    ours = Activity(people, relayed.hub, counters)

    for conversation in ("a", "b", "c", "a"):
        ours.note("somebody", conversation)

    assert counters.snapshot()["activity_dropped"] == 1
