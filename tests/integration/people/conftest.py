"""A house of local accounts for each test, over the shared database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from databases import Database
from house import House
from nura_rt import settings as settings_module
from nura_rt.notify.mailbox import Mailbox
from nura_rt.settings import Settings
from nura_rt.store.pool import open_pool
from observed import Watch


@pytest.fixture(scope="session")
async def auth_pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The pool of the sign-in."""
    opened = await open_pool(database.url, "nura_auth", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture(scope="session")
async def door_pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """The pool of what a person writes."""
    opened = await open_pool(database.url, "nura_door", smallest=1, largest=2)
    yield opened
    opened.terminate()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """As for development, with a folder of its own."""
    return settings_module.load(
        {"NURA_DATA_DIR": str(tmp_path), "PUBLIC_URL": "https://nura.example"}, dotenv=None
    )


@pytest.fixture
async def house(settings: Settings, auth_pool: asyncpg.Pool, door_pool: asyncpg.Pool) -> AsyncIterator[House]:
    """A fresh one: its tries are its own."""
    made = House(settings, auth_pool, door_pool, Mailbox(settings.data_dir / "mailbox"))
    for tries in vars(made.local.limits).values():
        tries._clock = Watch()  # none is given back while a slow machine counts them
    yield made
    made.passwords.close()
