"""Redis servers of the contract suites: one, the same behind TLS or as a user with few rights, and a cluster."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bus_places import Place, grant
from certificates import Authority
from cluster import Cluster, Server, cluster, server
from tls_proxy import TlsProxy

PASSWORD = "a secret/word"


@pytest.fixture(scope="session")
async def one_server(folder: Path) -> AsyncIterator[Server]:
    async with server(folder / "bus-single") as one:
        await grant(one, "nura", PASSWORD)
        yield one


@pytest.fixture(scope="session")
async def three_masters(folder: Path) -> AsyncIterator[Cluster]:
    place = folder / "bus-cluster"
    place.mkdir()
    async with cluster(place) as formed:
        for one in formed.masters:
            await grant(one, "nura", PASSWORD)
        yield formed


@pytest.fixture(scope="session", params=["single", "tls", "acl", "cluster", "cluster acl"])
async def place(
    request: pytest.FixtureRequest, folder: Path, one_server: Server, three_masters: Cluster
) -> AsyncIterator[Place]:
    user = "" if request.param in ("single", "cluster") else f"nura:{quote(PASSWORD, safe='')}@"
    servers = three_masters.masters if "cluster" in request.param else [one_server]
    port = servers[0].port
    if request.param != "tls":
        yield Place(f"redis://{user}127.0.0.1:{port}/0", servers)
        return
    authority = Authority(folder, "bus-authority")
    async with TlsProxy(("127.0.0.1", port), authority.issue("bus", "127.0.0.1")) as front:
        url = f"rediss://{user}127.0.0.1:{front.port}/0?ssl_ca_certs={authority.file}"
        yield Place(url, servers)
