"""After a doubt an instance says to its own people what still waits: few queries, nobody else's frame, no storm."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

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
from nura_rt.store import batch, notices, pool
from nura_rt.store.batch import Row
from nura_rt.telemetry import Counters
from proxy import Proxy, postgres_socket, postgres_through
from relayed import Relayed
from rows import make_conversation, make_person, turn
from servers import eventually


class Device:
    """One socket's place in its person's channel."""

    def __init__(self) -> None:
        self.cards: list[str] = []
        self.tiers: set[Tier] = set()

    def hear(self, seq: int | None, payload: Payload) -> None:
        self.cards.append(msgspec.json.decode(payload.data)["notice_id"])
        self.tiers.add(payload.tier)


Arrive = Callable[[str], Device]


@pytest.fixture
def arrive(relayed: Relayed) -> Arrive:
    def connected(person: str) -> Device:
        device = Device()
        relayed.hub.join(channels.user(person), device)
        return device

    return connected


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
async def ours(
    people: asyncpg.Pool, door: asyncpg.Pool, relayed: Relayed, counters: Counters
) -> AsyncIterator[Notices]:
    made = Notices(people, door=door, hub=relayed.hub, counters=counters)
    task = asyncio.create_task(made.say_for_ever())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def worried(root: asyncpg.Connection, writer: asyncpg.Connection, *cards: str) -> str:
    """A person with these cards, one commit after another."""
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    for name in cards:
        card = notice(Support(f"support-{name}", None, "high", "You are not alone.", []))
        await batch.keep(writer, [turn(person, conversation, notice=card)], levels=LEVELS, lease_s=3600)
    return person


async def test_each_hears_their_own_and_the_other_instances_are_not_told(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, ours: Notices, arrive: Arrive, relayed: Relayed
) -> None:
    ann, bob, calm = [await worried(root, writer_conn, *cards) for cards in (["a1", "a2"], ["b1", "b2"], [])]
    devices = [arrive(person) for person in (ann, ann, bob, calm)]
    await ours.acknowledge(bob, "support-b2")

    ours.say_again_here([bob, calm, ann])
    await eventually(lambda: devices[0].cards and devices[2].cards)

    assert [device.cards for device in devices] == [["support-a1", "support-a2"]] * 2 + [["support-b1"], []]
    assert devices[0].tiers == {Tier.SUPPORT}
    assert relayed.said == []


async def test_ten_thousand_people_are_few_queries(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, ours: Notices, arrive: Arrive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    worried_one = await worried(root, writer_conn, "1")
    crowd = [worried_one, *(str(uuid.uuid4()) for _ in range(9_999))]
    devices = {person: arrive(person) for person in crowd}
    asked, pending = [], notices.pending_of_many

    async def counted(conn: pool.Executor, person_ids: list[str], *, limit: int) -> list[notices.Waiting]:
        asked.append(len(person_ids))
        return await pending(conn, person_ids, limit=limit)

    monkeypatch.setattr(notices, "pending_of_many", counted)
    ours.say_again_here(crowd)
    await eventually(lambda: sum(asked) == 10_000 and devices[worried_one].cards)

    assert len(asked) == 20
    assert sum(len(device.cards) for device in devices.values()) == 1


async def test_nobody_is_asked_for_who_has_gone(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, ours: Notices, arrive: Arrive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    here, gone = [await worried(root, writer_conn, name) for name in ("1", "2")]
    device = arrive(here)
    asked, pending = set(), notices.pending_of_many

    async def noted(conn: pool.Executor, person_ids: list[str], *, limit: int) -> list[notices.Waiting]:
        asked.update(person_ids)
        return await pending(conn, person_ids, limit=limit)

    monkeypatch.setattr(notices, "pending_of_many", noted)
    ours.say_again_here([gone, here])
    await eventually(lambda: device.cards)

    assert asked == {here}


async def test_while_the_database_is_away_they_wait(
    database: Database, root: asyncpg.Connection, writer_conn: asyncpg.Connection, door: asyncpg.Pool,
    relayed: Relayed, arrive: Arrive, counters: Counters,
) -> None:  # fmt: skip
    person = await worried(root, writer_conn, "1")
    device = arrive(person)
    async with Proxy(postgres_socket(database.url)) as wire:
        far = await pool.open_pool(
            postgres_through(database.url, wire.port), "nura_app", smallest=1, largest=1
        )
        ours = Notices(far, door=door, hub=relayed.hub, counters=counters)
        task = asyncio.create_task(ours.say_for_ever())
        try:
            wire.cut()
            ours.say_again_here([person])
            await eventually(lambda: counters.snapshot().get("notices_failed"))
            nothing_yet = list(device.cards)
            wire.heal()
            await eventually(lambda: device.cards)
        finally:
            task.cancel()
            far.terminate()

    assert (nothing_yet, device.cards) == ([], ["support-1"])


async def test_the_question_for_many_keeps_to_row_level_security(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, people: asyncpg.Pool, place: Callable[..., Row]
) -> None:
    """Each person's own, in the order of their commits and at most so many; afterwards the connection is nobody's."""
    ann = await worried(root, writer_conn, "1", "2", "3")
    async with people.acquire() as conn:
        found = await notices.pending_of_many(conn, [place().person_id, ann], limit=2)
        left = await conn.fetchrow(
            "SELECT current_user::text, coalesce(current_setting('request.jwt.claims', true), '')"
        )

    assert [(one.user_id, one.frame["notice_id"]) for one in found] == [
        (ann, "support-2"),
        (ann, "support-3"),
    ]
    assert left is not None
    assert tuple(left) == ("nura_app", "")
