"""A notice waits until its person takes note of it: told at each hello, and again where a telling may be lost."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import msgspec
import pytest

from databases import Database
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.support import notice
from nura_rt.pipeline.turn import LEVELS
from nura_rt.protocol.server import Support
from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.store import batch, pool
from nura_rt.store.batch import Row
from nura_rt.telemetry import Counters
from proxy import Proxy, postgres_socket, postgres_through
from relayed import Relayed
from rows import make_person
from servers import eventually

Place = Callable[..., Row]


@pytest.fixture
def ours(people: asyncpg.Pool, door: asyncpg.Pool, relayed: Relayed) -> Notices:
    return Notices(people, door=door, hub=relayed.hub, counters=Counters())


@asynccontextmanager
async def saying(ours: Notices) -> AsyncIterator[None]:
    task = asyncio.create_task(ours.say_for_ever())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def card(name: str) -> Support:
    return Support(f"support-{name}", None, "high", "You are not alone.", [])


async def noticed(conn: asyncpg.Connection, place: Place, *names: str) -> str:
    """Keeps a message with each card, one commit after another; returns the person."""
    for name in names:
        row = place(notice=notice(card(name)))
        await batch.keep(conn, [row], levels=LEVELS, lease_s=3600)
    return row.person_id


def ids(payloads: list[Payload]) -> list[str]:
    return [msgspec.json.decode(payload.data)["notice_id"] for payload in payloads]


async def test_what_waits_is_sent_whole_and_oldest_first(
    writer_conn: asyncpg.Connection, place: Place, ours: Notices
) -> None:
    person = await noticed(writer_conn, place, "1", "2")

    waiting = await ours.pending(person)

    assert ids(waiting) == ["support-1", "support-2"]
    assert msgspec.json.decode(waiting[0].data, type=Support) == card("1")
    assert {payload.tier for payload in waiting} == {Tier.SUPPORT}


async def test_of_very_many_the_newest_are_sent(
    root: asyncpg.Connection, place: Place, ours: Notices
) -> None:
    person = place().person_id
    await root.execute(
        """
        INSERT INTO nura.notices (user_id, kind, key, frame, expires_at, created_at)
        SELECT $1, 'badge', n, jsonb_build_object('type', 'badge.earned', 'notice_id', n::text), 'infinity',
               now() + n * interval '1 ms'
          FROM generate_series(1, 105) n
        """,
        person,
    )

    waiting = await ours.pending(person)

    assert ids(waiting) == [str(number) for number in range(6, 106)]
    assert {payload.tier for payload in waiting} == {Tier.DURABLE}


async def test_an_expired_one_is_not_sent(root: asyncpg.Connection, place: Place, ours: Notices) -> None:
    person = place().person_id
    await root.execute(
        "INSERT INTO nura.notices (user_id, kind, key, frame, expires_at) VALUES ($1, 'badge', 'k', '{}', now())",
        person,
    )

    assert await ours.pending(person) == []


async def test_an_acknowledged_one_does_not_come_again_and_may_be_acknowledged_again(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, ours: Notices
) -> None:
    person = await noticed(writer_conn, place, "1", "2")

    for _ in range(2):
        await ours.acknowledge(person, "support-1")
        await ours.acknowledge(person, "unknown")
        await ours.acknowledge(person, "one that \x00 cannot be kept")

    assert ids(await ours.pending(person)) == ["support-2"]


async def test_another_person_neither_sees_nor_acknowledges_it(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, place: Place, ours: Notices
) -> None:
    person, other = await noticed(writer_conn, place, "1"), await make_person(root)

    await ours.acknowledge(other, "support-1")

    assert await ours.pending(other) == []
    assert ids(await ours.pending(person)) == ["support-1"]


@pytest.mark.parametrize(
    ("repeated", "acknowledged", "said"),
    [
        ("1", None, ["support-1"]),
        ("1", "support-1", []),
        ("never kept", None, ["support-1", "support-never kept"]),  # of an older instance, or other words
    ],
)
async def test_a_repeat_says_again_what_still_waits(
    writer_conn: asyncpg.Connection, place: Place, ours: Notices, relayed: Relayed,
    repeated: str, acknowledged: str | None, said: list[str],
) -> None:  # fmt: skip
    person = await noticed(writer_conn, place, "1")
    last = card("the last")
    if acknowledged:
        await ours.acknowledge(person, acknowledged)

    async with saying(ours):
        ours.say_again(person, card(repeated))
        ours.say_again(str(uuid.uuid4()), last)  # never kept, so it is heard when the first was answered
        await eventually(lambda: any(frame["notice_id"] == last.notice_id for frame in heard(relayed)))

    assert [frame["notice_id"] for frame in heard(relayed)] == [*said, last.notice_id]
    assert {channel for channel, _, frame in relayed.said if frame and frame["notice_id"] in said} <= {
        channels.user(person)
    }


def heard(relayed: Relayed) -> list[dict[str, Any]]:
    return relayed.of_type("support")


async def test_while_the_database_is_away_what_is_to_be_said_waits(
    database: Database, writer_conn: asyncpg.Connection, place: Place, door: asyncpg.Pool, relayed: Relayed
) -> None:
    person = await noticed(writer_conn, place, "1")
    counters = Counters()
    async with Proxy(postgres_socket(database.url)) as wire:
        far = await pool.open_pool(
            postgres_through(database.url, wire.port), "nura_app", smallest=1, largest=1
        )
        ours = Notices(far, door=door, hub=relayed.hub, counters=counters)
        try:
            wire.cut()
            async with saying(ours):
                ours.say_again(person, card("1"))
                await eventually(lambda: counters.snapshot().get("notices_failed"))
                nothing_yet = heard(relayed)
                wire.heal()
                await eventually(lambda: heard(relayed) != [])
        finally:
            far.terminate()

    assert nothing_yet == []
    assert [frame["notice_id"] for frame in heard(relayed)] == ["support-1"]


async def test_of_too_many_the_card_is_shown_without_asking(
    place: Place, ours: Notices, relayed: Relayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nura_rt.conversation.notices._PEOPLE_AT_MOST", 1)
    ours.say_again("somebody", card("0"))

    ours.say_again(place().person_id, card("1"))

    assert [frame["notice_id"] for frame in heard(relayed)] == ["support-1"]
