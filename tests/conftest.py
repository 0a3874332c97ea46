"""The real parts every test shares: one PostgreSQL and Valkey per run, a migrated database, one instance.

PostgreSQL is the embedded one, or made with the programs in NURA_TEST_PG; with NURA_TEST_TLS=1 over TLS alone.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings as hypothesis_settings

from certificates import Authority
from nura_rt import settings
from nura_rt.cli.seed import seed
from nura_rt.embedded import stack
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from postgres_server import serving
from servers import Instance, StartInstance, environ_of

# A slow machine is no defect: no property test is timed.
hypothesis_settings.register_profile("untimed", parent=hypothesis_settings(), deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for the run, short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="nura-test-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture(scope="session")
def stores(folder: Path) -> Iterator[Addresses]:
    """PostgreSQL and Valkey, bootstrapped and migrated."""
    with _serving(folder) as addresses:
        asyncio.run(_prepare(addresses))
        yield addresses


@contextmanager
def _serving(folder: Path) -> Iterator[Addresses]:
    given = os.environ.get("NURA_TEST_PG", "").strip()
    binaries = Path(given).resolve() if given else None
    tls = os.environ.get("NURA_TEST_TLS", "").strip() not in ("", "0")
    if tls and binaries is None:
        raise pytest.UsageError("NURA_TEST_TLS needs NURA_TEST_PG: the embedded PostgreSQL has no TLS")
    started = stack.start(folder / "stores", database=not tls, redis=True, postgres_bin=binaries)
    try:
        if not (tls and binaries):
            yield started.addresses
            return
        authority = Authority(folder, "authority")
        shown = authority.issue("postgres", "127.0.0.1")
        with serving(folder / "postgres", binaries, shown=shown) as server:

            def url(user: str, database: str) -> str:
                return server.url(user, database, sslmode="verify-full", sslrootcert=authority.file)

            yield Addresses(
                database_url=url("nura", "nura"),
                admin_url=url("postgres", "postgres"),
                redis_url=started.addresses.redis_url,
            )
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
        started.append(_instance(folder, stores, environ))  # before it is ready: it may never be
        return started[-1].start()

    yield start
    for one in started:
        if one.process is not None and one.process.poll() is None:
            one.kill()


def _instance(folder: Path, stores: Addresses, environ: dict[str, str]) -> Instance:
    data = folder / f"data-{len(list(folder.iterdir()))}"
    data.mkdir()
    return Instance(data, {**environ_of(stores), **environ})
