"""What the e2e tests share: two instances on the same stores, with limits out of the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nura_rt.embedded.stack import Addresses
from servers import Instance

Pair = tuple[Instance, Instance]

RAISED = {"LIMIT_MESSAGES_PER_S": "100000", "LIMIT_MESSAGE_BURST": "1000000", "LIMIT_REPLAY": "5000"}


@pytest.fixture(scope="session")
def pair(folder: Path, stores: Addresses) -> Iterator[Pair]:
    """Two processes, one PostgreSQL, one Valkey; a person may send as fast as they like."""
    assert stores.database_url is not None
    assert stores.redis_url is not None
    started: list[Instance] = []
    for name in ("left", "right"):
        data = folder / name
        data.mkdir()
        environ = {"SUPABASE_DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url, **RAISED}
        started.append(Instance(data, environ).start())
    yield started[0], started[1]
    for one in started:
        one.stop()
