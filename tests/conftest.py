"""The real parts every test shares: one embedded PostgreSQL and Valkey per run, a migrated database, one instance."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from nura_rt import settings
from nura_rt.cli.seed import seed
from nura_rt.embedded import stack
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from servers import Instance, StartInstance, environ_of


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for the run, short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="nura-test-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture(scope="session")
def stores(folder: Path) -> Iterator[Addresses]:
    """PostgreSQL and Valkey, bootstrapped and migrated."""
    started = stack.start(folder / "stores", database=True, redis=True)
    try:
        asyncio.run(_prepare(started.addresses))
        yield started.addresses
    finally:
        started.stop()


async def _prepare(addresses: Addresses) -> None:
    assert addresses.admin_url is not None
    assert addresses.database_url is not None
    await migrate.bootstrap(addresses.admin_url, database="nura", login="nura", password=None)
    await migrate.up(addresses.database_url)
    await seed(settings.load({}, dotenv=None), addresses.database_url)


@pytest.fixture(scope="session")
def database_url(stores: Addresses) -> str:
    """The server's own login."""
    assert stores.database_url is not None
    return stores.database_url


@pytest.fixture
async def admin(stores: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's eyes on the server's database."""
    assert stores.admin_url is not None
    conn = await asyncpg.connect(stores.admin_url, database="nura")
    try:
        yield conn
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def instance(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """One running server for tests that leave it well."""
    shared = _instance(folder, stores, {}).start()
    try:
        yield shared
    finally:
        shared.stop()


@pytest.fixture
def start_instance(folder: Path, stores: Addresses) -> Iterator[StartInstance]:
    """Starts more servers on the same stores: `start_instance(LIMIT_TEXT_CHARS="10")`. Ended with the test."""
    started: list[Instance] = []

    def start(**environ: str) -> Instance:
        started.append(_instance(folder, stores, environ).start())
        return started[-1]

    yield start
    for one in started:
        if one.process is not None and one.process.poll() is None:
            one.kill()


def _instance(folder: Path, stores: Addresses, environ: dict[str, str]) -> Instance:
    data = folder / f"data-{len(list(folder.iterdir()))}"
    data.mkdir()
    return Instance(data, {**environ_of(stores), **environ})
