"""An address that production accepts is one behind which nobody else can stand: real servers, a CA of our own."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from certificates import Authority, Shown
from nura_rt.addresses import is_private
from nura_rt.cache import client as cache
from nura_rt.cache.slots import Node
from nura_rt.embedded.stack import Addresses
from nura_rt.store import pool
from postgres_server import Server, serving, with_tls
from proxy import Proxy, redis_socket
from tls_proxy import TlsProxy

pytestmark = pytest.mark.slow
REFUSED = {
    "another authority": "unable to get local issuer|self.signed",
    "another name": "Hostname mismatch|not valid for",
    "expired": "certificate has expired",
}


class Stores(msgspec.Struct, frozen=True):
    """Servers that show a good certificate, an expired one and none."""

    trusted: Path
    stranger: Path
    good: Server
    expired: Server
    plain: Server
    shown: Shown
    shown_expired: Shown


@pytest.fixture(scope="module")
def tls(folder: Path) -> Iterator[Stores]:
    binaries = with_tls()
    place = folder / "tls"
    place.mkdir()
    ours, theirs = Authority(place, "ours"), Authority(place, "theirs")
    shown = ours.issue("server", "127.0.0.1")
    ended = ours.issue("ended", "127.0.0.1", days=-1)
    with (
        serving(place / "good", binaries, shown=shown) as good,
        serving(place / "expired", binaries, shown=ended) as expired,
        serving(place / "plain", binaries) as plain,
    ):
        yield Stores(ours.file, theirs.file, good, expired, plain, shown, ended)


def verified(server: Server, authority: Path, *, host: str = "127.0.0.1", mode: str = "verify-full") -> str:
    return server.url("postgres", "postgres", host=host, sslmode=mode, sslrootcert=authority)


async def asked(url: str) -> bool:
    """Whether a connection, as the server's own pools make them, is encrypted."""
    conn = await pool.connect(url, "postgres")
    try:
        found = await conn.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    finally:
        await conn.close()
    return bool(found)


async def test_postgres_is_reached_where_certificate_and_name_are_right(tls: Stores) -> None:
    url = verified(tls.good, tls.trusted)

    assert is_private(url)
    assert await asked(url)


@pytest.mark.parametrize("wrong", sorted(REFUSED))
async def test_postgres_is_refused_with_a_certificate_of(tls: Stores, wrong: str) -> None:
    url = {
        "another authority": verified(tls.good, tls.stranger),
        "another name": verified(tls.good, tls.trusted, host="localhost"),
        "expired": verified(tls.expired, tls.trusted),
    }[wrong]

    with pytest.raises(ssl.SSLCertVerificationError, match=REFUSED[wrong]):
        await asked(url)


async def test_postgres_in_plain_text_is_refused(tls: Stores) -> None:
    with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
        await asked(verified(tls.plain, tls.trusted))


async def test_a_pool_refuses_an_impostor_too(tls: Stores) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await pool.open_pool(verified(tls.good, tls.stranger), "postgres", smallest=1, largest=1)


@pytest.mark.parametrize("mode", ["verify-ca", "prefer", "allow"])
async def test_what_would_follow_an_impostor_is_not_accepted(tls: Stores, mode: str) -> None:
    """Each of these connects to a server whose name is not the one that was asked for."""
    url = verified(tls.good, tls.trusted, host="localhost", mode=mode)

    assert await asked(url)
    assert not is_private(url)


async def test_without_tls_there_is_no_way_in_where_only_tls_is_taken(tls: Stores) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asked(verified(tls.good, tls.trusted, mode="disable"))


async def pinged(url: str) -> bool:
    """Whether Redis answers a connection as our bus has them."""
    link = cache.for_bus(url).link(Node())
    try:
        await link.open()
        return await link.ask([("PING",)]) == [b"PONG"]
    finally:
        await link.close()


async def test_redis_is_reached_where_certificate_and_name_are_right(tls: Stores, stores: Addresses) -> None:
    assert stores.redis_url is not None
    async with TlsProxy(redis_socket(stores.redis_url), tls.shown) as front:
        url = f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={tls.trusted}"

        assert is_private(url)
        assert await pinged(url)


@pytest.mark.parametrize("wrong", sorted(REFUSED))
async def test_redis_is_refused_with_a_certificate_of(tls: Stores, stores: Addresses, wrong: str) -> None:
    assert stores.redis_url is not None
    shown = tls.shown_expired if wrong == "expired" else tls.shown
    authority = tls.stranger if wrong == "another authority" else tls.trusted
    host = "localhost" if wrong == "another name" else "127.0.0.1"
    async with TlsProxy(redis_socket(stores.redis_url), shown) as front:
        with pytest.raises(RedisConnectionError, match=REFUSED[wrong]):
            await pinged(f"rediss://{host}:{front.port}?ssl_ca_certs={authority}")


async def test_redis_in_plain_text_is_refused(tls: Stores, stores: Addresses) -> None:
    assert stores.redis_url is not None
    async with Proxy(redis_socket(stores.redis_url)) as link:
        with pytest.raises((RedisConnectionError, RedisTimeoutError)):
            await pinged(f"rediss://127.0.0.1:{link.port}?ssl_ca_certs={tls.trusted}")


@pytest.mark.parametrize("loose", ["ssl_cert_reqs=none", "ssl_check_hostname=false"])
async def test_a_redis_address_that_checks_less_is_not_accepted(
    tls: Stores, stores: Addresses, loose: str
) -> None:
    assert stores.redis_url is not None
    async with TlsProxy(redis_socket(stores.redis_url), tls.shown) as front:
        url = f"rediss://localhost:{front.port}?ssl_ca_certs={tls.trusted}&{loose}"

        assert await pinged(url)
        assert not is_private(url)
