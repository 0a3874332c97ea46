"""A part of an instance that fails begins again, and the others do not notice."""

import asyncio

import pytest

from nura_rt import parts
from nura_rt.telemetry import Counters


async def test_a_part_that_fails_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_BEGINS_AGAIN_S", 0.0)
    counters, begun, works = Counters(), 0, asyncio.Event()

    async def part() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise RuntimeError
        works.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(parts.steadily(part, counters))
    await asyncio.wait_for(works.wait(), 30)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert counters.snapshot()["parts_failed"] == 2
