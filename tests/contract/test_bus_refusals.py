"""A Redis that answers and yet takes nothing, or speaks nonsense: every instance sees the same, so none may leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus_members import conversation, member
from cluster import Server, server
from nura_rt.cache.servers import Servers
from nura_rt.cache.slots import Node
from nura_rt.realtime import channels
from nura_rt.realtime.payload import Payload, Tier
from proxy import Proxy
from servers import eventually

pytestmark = pytest.mark.slow

OWN = channels.user("ada")


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path / "redis") as one:
        yield one


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[int]:
    """The port of something that says this to everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                writer.write(answer)
        except OSError:
            pass
        finally:
            writer.close()

    there = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield there.sockets[0].getsockname()[1]
    finally:
        there.close()


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("ACL SETUSER default -publish", "ACL SETUSER default +publish"),
        ("CLIENT PAUSE 60000 WRITE", "CLIENT UNPAUSE"),  # as a failover by hand does
    ],
)
async def test_a_redis_that_takes_nothing_from_anybody_makes_nobody_sick(
    redis: Server, begin: str, end: str
) -> None:
    async with member(redis.url, "near") as near, member(redis.url, "far") as far:
        await far.listen(conversation())
        await eventually(lambda: near.bus.state == far.bus.state == "ok")
        await redis.command(begin)
        await eventually(lambda: near.bus.state == far.bus.state == "degraded")
        before, seen = far.resyncs, set()
        near.say(conversation(), 1)
        while near.bus.lag_s < 9:
            seen |= {near.bus.state, far.bus.state}
            await asyncio.sleep(0.02)
        await redis.command(end)
        await eventually(lambda: far.seqs(conversation())[-1:] == [1])
        while not near.bus.state == far.bus.state == "ok":
            seen |= {near.bus.state, far.bus.state}
            await asyncio.sleep(0.02)

        assert seen <= {"degraded", "ok"}
        assert far.resyncs == before  # what it listens by was never in doubt


@pytest.mark.parametrize("answer", [b":x\r\n", b"*1\r\n$x\r\n", b"*3\r\n+a\r\n+b\r\n+c\r\n"])
async def test_nonsense_is_no_redis_and_ends_nothing(redis: Server, answer: bytes) -> None:
    async with saying(answer) as port, Proxy(("127.0.0.1", redis.port)) as way:
        assert not await Servers(f"redis://127.0.0.1:{port}").answers(Node())

        async with member(f"redis://127.0.0.1:{way.port}", "far") as far:
            await far.listen(conversation())
            way._target = ("127.0.0.1", port)
            way.reset()
            await eventually(lambda: far.counters.snapshot().get("bus_receive_failed", 0) > 2)
            way._target = ("127.0.0.1", redis.port)
            way.reset()
            await far.confirmed(conversation())
            await eventually(lambda: far.bus.state == "ok")


async def test_what_a_person_could_not_be_told_is_said_to_be_lost(redis: Server) -> None:
    async with (
        Proxy(("127.0.0.1", redis.port)) as way,
        member(redis.url, "far") as far,
        member(f"redis://127.0.0.1:{way.port}", "near") as near,
    ):
        await far.listen(OWN)
        resyncs = far.resyncs
        way.cut()
        for _ in range(3):
            near.bus.publish(OWN, None, Payload(b'{"type":"conversation.changed"}'))
        near.bus.publish(OWN, None, Payload(b'{"type":"typing"}', Tier.EPHEMERAL))
        await eventually(lambda: near.counters.snapshot().get("bus_send_failed", 0) > 0)
        way.heal()
        await eventually(lambda: far.heard)
        near.bus.publish(OWN, None, Payload(b'{"type":"last"}'))
        await eventually(lambda: far.heard[-1][3] == b'{"type":"last"}')

    lost = b'{"type":"gap","channel":"user:ada","from":0,"to":0,"reason":"lost"}'
    assert far.resyncs == resyncs  # it heard of nothing: only the other can tell
    assert [body for *_, body, _ in far.heard] == [lost, b'{"type":"last"}']
