"""A cluster of which one part is busy or gone: the rest is believed, and nothing is concluded from silence."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cluster import Cluster, cluster
from nura_rt.cache import client
from nura_rt.cache.leases import Change, Leased, Leases
from nura_rt.cache.routes import Routes
from nura_rt.cache.servers import Servers
from nura_rt.cache.slots import Map, Node, Range
from nura_rt.telemetry import Counters
from servers import eventually

pytestmark = pytest.mark.slow


async def test_a_busy_master_does_not_make_it_a_single_server(three_masters: Cluster) -> None:
    one = three_masters.masters[0]
    await one.command("CONFIG SET", "busy-reply-threshold", "50")
    servers = Servers(one.url)
    busy = asyncio.ensure_future(one.command("EVAL", "while true do end", "0"))
    try:
        await eventually(lambda: not busy.done())
        for _ in range(20):
            with suppress(RedisError):
                assert (await servers.look()).sharded
    finally:
        other = Redis(port=one.port)
        await other.script_kill()
        await other.aclose()
        with suppress(RedisError):
            await busy

    assert (await servers.look()).sharded


async def test_who_lies_on_a_master_that_lives_is_counted(tmp_path: Path) -> None:
    async with cluster(tmp_path) as formed:
        redis, counters = client.for_caches(formed.masters[0].url), Counters()
        leases = Leases(redis, counters, lease_s=60, at_most=5)
        changes = [Change(f"person-{number}", ["0-a-x"], []) for number in range(30)]
        before = await leases.renew(changes)
        await formed.masters[1].kill()

        after = await leases.renew(changes)
        for one in (formed.masters[0], formed.masters[2]):
            await one.kill()
        gone = await leases.renew(changes)
        await redis.aclose()

    assert before == [Leased(1, [])] * 30
    assert after is not None
    assert 5 < after.count(Leased(1, [])) < 25
    assert after.count(None) == 30 - after.count(Leased(1, []))
    assert gone is None


class _Changing(Servers):
    """First three masters, then one: what a view of half a cluster shows."""

    def __init__(self, found: list[Map]) -> None:
        super().__init__("redis://nowhere")
        self._found = found

    async def look(self) -> Map:
        await asyncio.sleep(0)
        return self._found.pop(0)


class _Client(Redis):
    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await asyncio.sleep(0.01)
        await super().aclose(close_connection_pool)


async def test_masters_that_vanish_are_let_go_once_however_many_notice() -> None:
    ranges = [Range(first, first + 99, Node("127.0.0.1", 1 + first)) for first in (0, 100, 200)]
    whole, rest = Map(sharded=True, ranges=tuple(ranges)), Map(sharded=True, ranges=tuple(ranges[2:]))
    routes = Routes(_Changing([whole, rest, rest]), lambda node: _Client(host=node.host, port=node.port))
    await routes._learn()
    for node in whole.nodes:
        routes._client(node)

    await asyncio.gather(routes._learn(), routes._learn())

    assert list(routes._clients) == list(rest.nodes)
    await routes.aclose()
