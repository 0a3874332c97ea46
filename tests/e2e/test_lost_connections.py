"""Connections to Valkey and PostgreSQL that break amid a stream lose nothing and double nothing."""

import asyncio

import asyncpg
import pytest
from ledger import answered
from redis.asyncio import Redis

from nura_rt.embedded.stack import Addresses
from peers import peer, until_seq
from servers import RAISED, StartInstance

pytestmark = pytest.mark.slow


async def test_every_message_is_heard_once_though_each_connection_to_valkey_breaks(
    start_instance: StartInstance, admin: asyncpg.Connection, stores: Addresses
) -> None:
    assert stores.redis_url is not None
    here, there = start_instance(**RAISED), start_instance(**RAISED)
    async with (
        Redis.from_url(stores.redis_url) as redis,
        peer(here, "unplugged") as speaker,
        peer(here, "unplugged") as near,
        peer(there, "unplugged") as far,
    ):
        conversation = await speaker.open_conversation()
        for listener in (near, far):
            await listener.join(conversation)
        hearing = [asyncio.create_task(one.collect(until_seq(300), within_s=60)) for one in (near, far)]

        killed = []
        for kind in ("pubsub", "normal", "pubsub", "normal"):
            await speaker.stream(conversation, 30)
            killed.append(await redis.client_kill_filter(_type=kind, skipme=True))
        await speaker.stream(conversation, 30)
        rows = await answered(admin, conversation, within_s=60)
        await asyncio.gather(*hearing)

    assert all(count >= 1 for count in killed)
    assert [row.seq for row in rows] == list(range(1, 301))
    for listener in (near, far):
        assert [(frame["seq"], frame["message_id"]) for frame in listener.messages()] == [
            (row.seq, row.message_id) for row in rows
        ]


async def test_a_last_message_said_while_the_subscriber_was_cut_off_is_heard_all_the_same(
    start_instance: StartInstance, admin: asyncpg.Connection, stores: Addresses
) -> None:
    assert stores.redis_url is not None
    here, there = start_instance(), start_instance()
    async with (
        Redis.from_url(stores.redis_url) as redis,
        peer(here, "unplugged") as speaker,
        peer(there, "unplugged") as far,
    ):
        conversation = await speaker.open_conversation()
        await far.join(conversation)

        for number in range(5):
            await redis.client_kill_filter(_type="pubsub", skipme=True)
            await speaker.send(conversation, f"last words {number}")
            await far.collect(until_seq(2 * number + 2))

    assert far.seqs() == list(range(1, 11))


async def test_every_message_is_kept_and_answered_once_though_connections_to_postgresql_break(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    here, there = start_instance(**RAISED), start_instance(**RAISED)
    async with peer(here, "cut off") as speaker, peer(there, "cut off") as far:
        conversation = await speaker.open_conversation()
        await far.join(conversation)
        hearing = asyncio.create_task(far.collect(until_seq(200), within_s=70))

        streaming = asyncio.create_task(speaker.stream(conversation, 100))
        for _ in range(5):
            await asyncio.sleep(0.15)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'nura-rt/%'"
            )
        accepted = await streaming
        rows = await answered(admin, conversation, within_s=65)
        await hearing

    assert [row.seq for row in rows] == list(range(1, 201))
    assert {frame["message_id"] for frame in accepted} == {
        row.message_id for row in rows if row.role == "user"
    }
    assert not any(frame["duplicate"] for frame in accepted)
    assert len({row.answers for row in rows if row.answers}) == 100
    assert [(frame["seq"], frame["message_id"]) for frame in far.messages()] == [
        (row.seq, row.message_id) for row in rows
    ]
