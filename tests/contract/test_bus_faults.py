"""Whatever becomes of Redis and the way to it, the bus begins anew by itself and says what it may have missed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bus_members import Member, conversation, member
from certificates import Authority
from cluster import Server, server
from nura_rt.cache import client
from nura_rt.cache.slots import Node
from nura_rt.realtime.payload import Payload, Tier
from proxy import Proxy
from servers import eventually
from tls_proxy import TlsProxy

pytestmark = pytest.mark.slow
_MB = 1024 * 1024


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path / "redis") as one:
        yield one


@pytest.fixture
async def way(redis: Server) -> AsyncIterator[Proxy]:
    """The network between the far member and Redis."""
    async with Proxy(("127.0.0.1", redis.port)) as proxy:
        yield proxy


@pytest.fixture
async def near(redis: Server) -> AsyncIterator[Member]:
    async with member(redis.url, "near") as one:
        yield one


@pytest.fixture
async def far(way: Proxy) -> AsyncIterator[Member]:
    async with member(f"redis://127.0.0.1:{way.port}", "far") as one:
        await one.listen(conversation())
        yield one


async def hears_again(far: Member, near: Member, seq: int) -> None:
    """Both ends work, without a restart of either."""
    await far.confirmed(conversation())
    near.say(conversation(), seq)
    await eventually(lambda: seq in far.seqs(conversation()))


async def test_killed_listeners_come_back_and_say_so(redis: Server, near: Member, far: Member) -> None:
    for seq in range(1, 6):
        before = far.resyncs
        await redis.command("CLIENT KILL TYPE pubsub")
        await eventually(lambda before=before: far.resyncs > before)  # type: ignore[misc]
        await hears_again(far, near, seq)

    assert far.seqs(conversation()) == [1, 2, 3, 4, 5]


async def test_a_restart_of_redis(redis: Server, near: Member, far: Member) -> None:
    before = far.resyncs

    await redis.kill()
    await redis.start()
    await hears_again(far, near, 1)

    assert far.resyncs > before


async def test_redis_gone_for_a_while_is_no_sickness(redis: Server, near: Member, far: Member) -> None:
    seen = set()
    await redis.kill()
    await eventually(lambda: far.bus.state != "ok")
    before = far.resyncs

    for seq in range(1, 8):
        near.say(conversation(), seq)
        near.bus.publish(conversation(), None, Payload(b'{"card":%d}' % seq, Tier.SUPPORT))
        await asyncio.sleep(1)
        seen |= {far.bus.state, near.bus.state}
    await redis.start()
    await far.confirmed(conversation())
    await eventually(lambda: 7 in far.seqs(conversation()))
    while far.bus.state != "ok":
        seen.add(far.bus.state)
        await asyncio.sleep(0.01)

    assert seen == {"degraded"}
    assert far.resyncs > before
    assert len([one for one in far.heard if one[4] is Tier.SUPPORT]) == 7


async def test_a_black_hole_is_noticed_and_left_again(way: Proxy, near: Member, far: Member) -> None:
    way.freeze()
    await eventually(lambda: far.bus.state == "degraded")
    lag_s = far.bus.lag_s
    before = far.resyncs
    way.heal()
    await hears_again(far, near, 1)
    await eventually(lambda: far.bus.state == "ok")

    assert lag_s >= 2
    assert far.resyncs > before


async def test_a_connection_that_is_dead_while_redis_answers_is_sick_and_replaced(
    way: Proxy, near: Member, far: Member
) -> None:
    before = far.resyncs
    way.strand()
    await eventually(lambda: far.bus.state == "sick")
    await eventually(lambda: far.bus.state == "ok")
    await hears_again(far, near, 1)

    assert far.resyncs > before
    assert far.counters.snapshot()["bus_sick"] >= 1


async def test_a_burst_that_overruns_its_buffer_is_a_doubt(
    redis: Server, way: Proxy, near: Member, far: Member
) -> None:
    before = far.resyncs
    way.freeze()
    for _ in range(64):  # 32 MB, and what lies in the sockets' own buffers
        await redis.command("PUBLISH", "nura:{conversation:c0}", b"x" * _MB)
    way.heal()
    await eventually(lambda: far.resyncs > before)
    await hears_again(far, near, 1)
    facts = await redis.command("INFO", "stats")

    assert facts["client_output_buffer_limit_disconnections"] >= 1


async def test_a_burst_comes_whole_or_is_a_doubt(redis: Server, near: Member, far: Member) -> None:
    await redis.command("CONFIG SET", "client-output-buffer-limit", "pubsub 256kb 256kb 1")
    before = far.resyncs
    for seq in range(1, 2_001):
        near.say(conversation(), seq, b"x" * 8_000)
    await eventually(lambda: 2_000 in far.seqs(conversation()) or far.resyncs > before)
    await hears_again(far, near, 2_001)

    assert far.seqs(conversation()) == list(range(1, 2_002)) or far.resyncs > before


async def test_who_may_not_listen_is_sick_until_he_may(redis: Server, near: Member) -> None:
    await redis.command("ACL SETUSER", "few", "reset", "on", ">word", "+ping", "+subscribe", "+publish")
    few = Member(f"redis://few:word@127.0.0.1:{redis.port}", "few")
    task = asyncio.ensure_future(few.bus.run_for_ever())
    few.bus.want(conversation())
    try:
        await eventually(lambda: few.bus.state == "sick")
        await redis.command("ACL SETUSER", "few", "&nura:*", "+unsubscribe")
        await hears_again(few, near, 1)
        await eventually(lambda: few.bus.state == "ok")
    finally:
        task.cancel()
        await asyncio.wait([task])

    assert few.seqs(conversation()) == [1]


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", "theirs"), ("localhost", "ours")])
async def test_nobody_is_spoken_to_who_cannot_show_the_right_certificate(
    redis: Server, tmp_path: Path, host: str, trusted: str
) -> None:
    authorities = {name: Authority(tmp_path, name) for name in ("ours", "theirs")}
    async with TlsProxy(("127.0.0.1", redis.port), authorities["ours"].issue("bus", "127.0.0.1")) as front:
        link = client.for_bus(f"rediss://{host}:{front.port}?ssl_ca_certs={authorities[trusted].file}").link(
            Node()
        )

        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            await link.open()


async def test_it_may_begin_before_there_is_a_redis(tmp_path: Path) -> None:
    later = Server(tmp_path / "later")
    early = Member(later.url, "early")
    task = asyncio.ensure_future(early.bus.run_for_ever())
    early.bus.want(conversation())
    early.say(conversation(), 3)
    await eventually(lambda: early.counters.snapshot().get("bus_receive_failed", 0) > 0)
    state = early.bus.state
    await later.start()
    try:
        async with member(later.url, "other") as other:
            await other.listen(conversation())
            await hears_again(early, other, 1)
            await hears_again(other, early, 4)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await later.stop()

    assert state == "degraded"
    assert not await early.bus.confirmed(conversation(2), timeout_s=0.01)
