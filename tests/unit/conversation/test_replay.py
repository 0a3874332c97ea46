"""What is remembered of a gap when PostgreSQL does not answer; the reading itself is shown in tests/e2e."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from nura_rt.conversation.replay import Missed, Replay
from nura_rt.realtime import channels
from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload
from nura_rt.store import messages
from nura_rt.telemetry import Counters
from servers import eventually

CHANNEL = channels.conversation("c1")


class Silent:
    """A relay with nobody behind it."""

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload) -> None: ...


class Ear:
    """A listener that remembers seqs."""

    def __init__(self) -> None:
        self.heard: list[int | None] = []

    def hear(self, seq: int | None, payload: Payload) -> None:
        self.heard.append(seq)


class Truth:
    """Stands where the pool does: answers `messages_after` from a list, after failing so many times."""

    def __init__(self, count: int, *, failures: list[Exception]) -> None:
        self._count = count
        self._failures = iter(failures)
        self.asked = 0

    async def fetch(self, _: str, person_id: str, conversation_id: str, after: int, limit: int) -> list[Any]:
        self.asked += 1
        if (failure := next(self._failures, None)) is not None:
            raise failure
        return [_row(seq) for seq in range(after + 1, min(self._count, after + limit) + 1)]


def _row(seq: int) -> dict[str, Any]:
    fields = (str(seq), "c1", seq, "user", "words", None, f"k{seq}", None, datetime.now(UTC))
    return dict(zip(messages.Message.__struct_fields__, fields, strict=True))


def made(truth: Truth, ear: Ear) -> tuple[Replay, Hub]:
    hub = Hub(Silent(), on_gap=lambda channel: replay.note_gap(channel))
    nobody: Any = None
    pool: Any = truth
    replay = Replay(people=pool, heads=nobody, hub=hub, bus=nobody, limit=500, counters=Counters())
    hub.join(CHANNEL, ear)
    hub.settle(CHANNEL, 0, owner="p1")
    return replay, hub


@pytest.mark.parametrize("failure", [ConnectionResetError(), TimeoutError()])
async def test_a_gap_is_filled_by_a_later_try_when_the_first_fails(failure: Exception) -> None:
    truth, ear = Truth(3, failures=[failure]), Ear()
    replay, hub = made(truth, ear)
    filling = asyncio.ensure_future(replay.fill_for_ever())

    hub.announce(CHANNEL, 3)
    await eventually(lambda: len(ear.heard) >= 3)
    filling.cancel()
    with suppress(asyncio.CancelledError):
        await filling

    assert ear.heard == [1, 2, 3]
    assert truth.asked == 2


async def test_a_gap_postgresql_cannot_fill_is_not_asked_for_without_end() -> None:
    truth, ear = Truth(1, failures=[]), Ear()
    replay, hub = made(truth, ear)
    filling = asyncio.ensure_future(replay.fill_for_ever())

    hub.announce(CHANNEL, 9)
    await eventually(lambda: ear.heard)
    await asyncio.sleep(0.5)
    filling.cancel()
    with suppress(asyncio.CancelledError):
        await filling

    assert ear.heard == [1]
    assert truth.asked <= 3


async def test_a_long_absence_is_read_page_by_page() -> None:
    truth, ear = Truth(45, failures=[]), Ear()
    replay, _ = made(truth, ear)

    pages = [page async for page in replay.pages("p1", "c1", Missed(head=45, after=0, recovered=True))]

    assert [len(page) for page in pages] == [20, 20, 5]
    assert truth.asked == 3
