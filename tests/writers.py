"""A writer on a real database, run for as long as a test needs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from databases import Database
from nura_rt.conversation.writer import Outcome, Writer
from nura_rt.store.batch import Row
from nura_rt.store.logins import Logins
from nura_rt.telemetry import Counters

WITHIN_S = 10.0


def made(database: Database, *, queue_at_most: int = 2000) -> Writer:
    return Writer(Logins(database.url), queue_at_most=queue_at_most, lease_s=3600, counters=Counters())


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[Writer]:
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def answers(writer: Writer, rows: list[Row]) -> list[Outcome]:
    """What became of each row, in the order in which they were answered."""
    told: list[Outcome] = []
    for row in rows:
        writer.put(row, told.append)
    async with asyncio.timeout(WITHIN_S):
        while len(told) < len(rows):  # noqa: ASYNC110 - the answers come by callback
            await asyncio.sleep(0.005)
    return told
