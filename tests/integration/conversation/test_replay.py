"""What a client missed, read from a real PostgreSQL: all of it, once, and with few queries."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conversations import Ear, Silent, Stored
from databases import Database
from nura_rt.conversation import pasts
from nura_rt.conversation.replay import Replay
from nura_rt.protocol.server import MessageRemoved
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import log, pool
from nura_rt.telemetry import Counters
from servers import eventually

LIMIT = 500


class House:
    """One instance's hub and replay; `gaps` is what the hub asked for."""

    def __init__(self, people: asyncpg.Pool) -> None:
        self.gaps: list[str] = []
        self.deaf = False
        self.counters = Counters()
        self.hub = Hub(Silent(), self.gaps.append)
        self.replay = Replay(
            people=people,
            hub=self.hub,
            heard=self.heard,
            hears_others=lambda: not self.deaf,
            limit=LIMIT,
            counters=self.counters,
        )

    async def heard(self, channel: str) -> bool:
        return True

    async def caught_up(self, stored: Stored, since: int | None, **how: Any) -> list[dict[str, Any]]:
        """The frames a client with this `since` gets; None of them when it is not recovered."""
        person_id = how.get("person_id", stored.person_id)
        missed = await self.replay.join(how.get("ear", Ear()), person_id, stored.id, since)
        assert missed is not None
        assert missed.recovered is how.get("recovered", True)
        pages = [page async for page in self.replay.pages(person_id, stored.id, missed)]
        return [json.loads(payload.data) for page in pages for payload in page]

    def queries(self) -> int:
        counted = self.counters.snapshot()
        return counted.get("replay_heads_read", 0) + counted.get("replay_pasts_read", 0)


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=8)
    yield opened
    opened.terminate()


def said(seq: int) -> Payload:
    return Payload(json.dumps({"type": "message", "seq": seq}).encode())


def seqs(frames: list[dict[str, Any]]) -> list[int]:
    return [frame["seq"] for frame in frames]


async def heard_live(root: asyncpg.Connection, people: asyncpg.Pool) -> tuple[Stored, House]:
    """A room that has heard three messages and remembers them."""
    stored, house = await Stored.make(root), House(people)
    await house.caught_up(stored, 0)
    await stored.grow(3)
    for seq in (1, 2, 3):
        house.hub.receive(stored.channel, seq, said(seq))
    return stored, house


@pytest.mark.parametrize("since", [0, 1, 63, 64, 300, 499, 500])
async def test_what_was_missed_comes_whole_and_once(
    root: asyncpg.Connection, people: asyncpg.Pool, since: int
) -> None:
    stored = await Stored.make(root, 500)

    frames = await House(people).caught_up(stored, since)

    assert seqs(frames) == list(range(since + 1, 501))


async def test_a_thousand_who_come_together_cost_one_query_each_of_head_and_past(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, house = await Stored.make(root, 490), House(people)
    sinces = [number % 491 for number in range(1000)]

    everything = await asyncio.gather(*(house.caught_up(stored, since) for since in sinces))

    for since, frames in zip(sinces, everything, strict=True):
        assert seqs(frames) == list(range(since + 1, 491))
    assert house.queries() == 2


async def test_what_the_room_remembers_costs_no_query(root: asyncpg.Connection, people: asyncpg.Pool) -> None:
    stored, house = await Stored.make(root, 3), House(people)
    await house.caught_up(stored, 3)
    for seq in range(4, 68):
        house.hub.receive(stored.channel, seq, said(seq))
    before = house.queries()

    frames = await house.caught_up(stored, 3)

    assert seqs(frames) == list(range(4, 68))
    assert house.queries() == before


async def test_a_removed_text_is_not_handed_out_by_a_room_that_heard_it(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, house = await heard_live(root, people)
    removal = MessageRemoved(stored.id, await stored.remove(2), 2)
    house.hub.receive(stored.channel, removal.seq, Payload.of(removal))

    frames = await house.caught_up(stored, 0)

    told = [(frame["type"], frame.get("seq", frame.get("from"))) for frame in frames]
    assert told == [("message", 1), ("gap", 2), ("message", 3), ("message.removed", 4)]


async def test_a_removed_text_is_not_handed_out_by_an_instance_that_cannot_have_heard_of_it(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, house = await heard_live(root, people)
    await stored.remove(2)
    house.deaf = True

    frames = await house.caught_up(stored, 0)

    told = [(frame["type"], frame.get("seq", frame.get("from"))) for frame in frames]
    assert told == [("message", 1), ("gap", 2), ("message", 3), ("message.removed", 4)]
    assert house.gaps == [stored.channel]  # those who were here before hear of it too


@pytest.mark.parametrize("since", [0, 99])
async def test_too_much_is_not_replayed_and_said(
    root: asyncpg.Connection, people: asyncpg.Pool, since: int
) -> None:
    stored = await Stored.make(root, LIMIT + 100)

    frames = await House(people).caught_up(stored, since, recovered=False)

    assert frames == []


async def test_somebody_elses_conversation_is_a_missing_one(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, stranger, house = await Stored.make(root, 2), await Stored.make(root), House(people)
    await house.caught_up(stored, 0)

    missed = await house.replay.join(Ear(), stranger.person_id, stored.id, 0)

    assert missed is None
    room = house.hub.room(stored.channel)
    assert room is not None
    assert len(room.listeners) == 1


async def test_a_client_ahead_of_its_instance_is_neither_set_back_nor_told_twice(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, house = await Stored.make(root, 5), House(people)
    await house.caught_up(stored, 5)
    await stored.grow(2)  # told by another instance; the news has not come here

    frames = await house.caught_up(stored, 7)

    assert frames == []
    assert stored.channel in house.gaps


async def test_a_client_that_claims_a_future_is_not_recovered(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, ear = await Stored.make(root, 5), Ear()

    frames = await House(people).caught_up(stored, 10**9, recovered=False, ear=ear)

    assert frames == []


async def test_a_large_past_is_read_in_parts_and_comes_whole(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored = await Stored.make(root, 300, text="x" * 8000)

    frames = await House(people).caught_up(stored, 10)

    assert seqs(frames) == list(range(11, 301))


async def test_what_was_taken_away_keeps_its_place(root: asyncpg.Connection, people: asyncpg.Pool) -> None:
    stored = await Stored.make(root, 4)
    await stored.remove(2)
    await stored.lose(4)

    frames = await House(people).caught_up(stored, 0)

    told = [(frame["type"], frame.get("seq", frame.get("from"))) for frame in frames]
    assert told == [("message", 1), ("gap", 2), ("message", 3), ("gap", 4), ("message.removed", 5)]


async def test_a_row_that_is_missing_at_the_end_is_said_to_be_lost(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored = await Stored.make(root, 4)
    await stored.lose(4)

    frames = await House(people).caught_up(stored, 2)

    assert frames[-1] == {"type": "gap", "channel": stored.channel, "from": 4, "to": 4, "reason": "lost"}


async def test_whoever_comes_later_gets_what_came_meanwhile(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    stored, house = await Stored.make(root, 200), House(people)
    await house.caught_up(stored, 0)
    await stored.grow(100)
    for seq in range(201, 301):
        house.hub.receive(stored.channel, seq, said(seq))

    frames = await house.caught_up(stored, 50)

    assert seqs(frames) == list(range(51, 301))


@pytest.mark.parametrize("came", ["together", "long after the others"])
async def test_whoever_comes_to_a_room_with_others_in_it_costs_no_query(
    root: asyncpg.Connection, people: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, came: str
) -> None:
    if came != "together":
        monkeypatch.setattr(pasts, "_KEPT_S", 0.0)
    stored, house = await Stored.make(root, 100), House(people)
    await house.caught_up(stored, 0)
    before = house.queries()
    if came != "together":
        await eventually(lambda: not len(house.replay._pasts))

    frames = await house.caught_up(stored, 36)

    assert seqs(frames) == list(range(37, 101))
    assert house.queries() == before


async def test_a_row_lost_at_the_end_is_asked_for_again_by_whoever_comes_next(
    root: asyncpg.Connection, people: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pasts, "_KEPT_S", 0.0)
    stored, house = await Stored.make(root, 4), House(people)
    await stored.lose(4)
    await house.caught_up(stored, 0)
    await eventually(lambda: not len(house.replay._pasts))
    before = house.queries()

    await house.caught_up(stored, 0)

    assert house.queries() == before + 1


async def test_a_text_removed_while_the_past_was_read_is_not_remembered(
    root: asyncpg.Connection, people: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, house = await Stored.make(root, 3), House(people)
    read = log.tail

    async def removed_meanwhile(*args: Any, **how: Any) -> Any:
        rows = await read(*args, **how)
        removal = MessageRemoved(stored.id, await stored.remove(2), 2)
        house.hub.receive(stored.channel, removal.seq, Payload.of(removal))
        return rows

    monkeypatch.setattr(log, "tail", removed_meanwhile)
    await house.caught_up(stored, 0)
    monkeypatch.undo()

    frames = await house.caught_up(stored, 0)

    told = [(frame["type"], frame.get("seq", frame.get("from"))) for frame in frames]
    assert told == [("message", 1), ("gap", 2), ("message", 3), ("message.removed", 4)]
