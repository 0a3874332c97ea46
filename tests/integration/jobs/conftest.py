"""A table of jobs that is empty when a test begins, and workers that take their time."""

from collections.abc import AsyncIterator

import asyncpg
import pytest


@pytest.fixture(autouse=True)
async def no_jobs(root: asyncpg.Connection) -> AsyncIterator[None]:
    """These tests take whatever is due, so nothing else may be."""
    await root.execute("DELETE FROM nura.jobs")
    yield
    await root.execute("DELETE FROM nura.jobs")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow database is no lost one: whoever stops has time to give back what it holds."""
    monkeypatch.setattr("nura_rt.jobs.worker._GIVE_BACK_WITHIN_S", 10.0)
