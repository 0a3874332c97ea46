"""A cluster changes under the bus: slots move, masters die and are replaced. It follows, and says it has doubts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus_members import Member, conversation, member
from cluster import Cluster, cluster
from nura_rt.cache import client
from nura_rt.realtime import channels
from servers import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def masters(folder: Path) -> AsyncIterator[Cluster]:
    place = folder / "moving-cluster"
    place.mkdir()
    async with cluster(place) as formed:
        yield formed


@pytest.fixture
async def near(masters: Cluster) -> AsyncIterator[Member]:
    async with member(masters.url, "near") as one:
        yield one


@pytest.fixture
async def far(masters: Cluster) -> AsyncIterator[Member]:
    async with member(masters.url, "far") as one:
        yield one


async def hears_again(far: Member, near: Member, name: str, seq: int) -> None:
    """The hint arrives, at the latest when it is said again."""
    await far.confirmed(name)
    near.say(name, seq)
    await eventually(lambda: seq in far.seqs(name))


async def on_each(masters: Cluster) -> list[str]:
    """A channel of each master, in their order."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < len(masters.masters):
        owner = await masters.owner(channels.on_bus(conversation(number)))
        found.setdefault(masters.masters.index(owner), conversation(number))
        number += 1
    return [found[index] for index in range(len(masters.masters))]


async def test_each_master_in_use_is_listened_to_and_has_a_canary(masters: Cluster, far: Member) -> None:
    await far.listen(*await on_each(masters))
    lines = [line for line in far.bus._lines.values() if line.in_use]
    await eventually(lambda: all(line.canary._number > 0 and not line.canary._out for line in lines))

    assert {line.node.port for line in lines} == {one.port for one in masters.masters}
    assert far.bus.state == "ok"


async def test_a_master_not_in_use_has_no_connection(masters: Cluster, far: Member) -> None:
    first, *_ = await on_each(masters)
    await far.listen(first)

    assert 1 <= len([line for line in far.bus._lines.values() if line.in_use]) <= 2


async def test_a_slot_that_moves_is_followed(masters: Cluster, near: Member, far: Member) -> None:
    names = await on_each(masters)
    await far.listen(*names)
    other = masters.masters[1]
    before = far.resyncs

    await masters.migrate(channels.on_bus(names[0]), other)
    await eventually(lambda: far.resyncs > before)
    for seq, name in enumerate(names, start=1):
        await hears_again(far, near, name, seq)

    assert await other.listeners(channels.on_bus(names[0])) == 1


async def test_a_hint_for_a_slot_that_has_moved_is_said_at_its_new_place(
    masters: Cluster, near: Member, far: Member
) -> None:
    names = await on_each(masters)
    await near.listen(*names)  # so that it has spoken to all of them
    for number, name in enumerate(names):
        await masters.migrate(channels.on_bus(name), masters.masters[number - 1])
    await far.listen(*names)

    for name in names:
        near.say(name, 9)
    await eventually(lambda: all(9 in far.seqs(name) for name in names))

    assert near.bus.connected


async def test_a_dead_master_takes_no_other_channel_along(
    masters: Cluster, near: Member, far: Member
) -> None:
    names = await on_each(masters)
    await far.listen(*names)
    victim = masters.masters[2]
    await victim.kill()
    await eventually(lambda: far.bus.state == "degraded")
    before = far.resyncs
    for seq in range(1, 101):
        near.say(names[0], seq)
        near.say(names[1], seq)
        near.say(names[2], seq)
    await eventually(lambda: 100 in far.seqs(names[0]) and 100 in far.seqs(names[1]))
    doubts = far.resyncs - before
    await victim.start()
    await masters.agreed()
    await far.confirmed(names[2])
    await eventually(lambda: 100 in far.seqs(names[2]) or far.resyncs > before)
    await hears_again(far, near, names[2], 101)
    await eventually(lambda: far.bus.state == "ok")

    assert far.seqs(names[0]) == far.seqs(names[1]) == list(range(1, 101))
    assert doubts == 0
    assert far.resyncs > before


async def test_a_replica_takes_over(folder: Path) -> None:
    place = folder / "failing-cluster"
    place.mkdir()
    async with cluster(place, replica=True) as formed:
        names = await on_each(formed)
        redis = client.for_commands(formed.masters[1].url)
        await redis.set("cache:a", 1)
        async with member(formed.masters[1].url, "far") as far, member(formed.masters[1].url, "near") as near:
            await far.listen(*names)
            assert formed.replica is not None
            before = far.resyncs

            await formed.masters[0].kill()
            await eventually(lambda: far.resyncs > before, within_s=60)
            await hears_again(far, near, names[0], 1)
            await eventually(lambda: far.bus.state == "ok")

            assert await formed.replica.listeners(channels.on_bus(names[0])) == 1
        await redis.aclose()


async def test_commands_follow_a_slot_that_moves(masters: Cluster) -> None:
    redis = client.for_caches(masters.url)
    keys = [f"session:{number}" for number in range(30)]
    for key in keys:
        await redis.set(key, 1)
    await redis.delete(*keys)

    for key in keys[:10]:
        await masters.migrate(key, masters.masters[1])
    await redis.hset(keys[0], "state", "active")
    for key in keys:
        pipe = redis.pipeline()
        pipe.hset(key, "state", "ended")
        pipe.expire(key, 60)
        await pipe.execute()

    assert [await redis.hget(key, "state") for key in keys] == [b"ended"] * 30
    await redis.aclose()


async def test_a_script_runs_where_its_key_is(masters: Cluster) -> None:
    redis = client.for_commands(masters.url)
    script = redis.register_script("redis.call('INCR', KEYS[1]); return redis.call('GET', KEYS[1])")

    counts = [await script(keys=[f"nura:{{bucket:{number}}}"]) for number in (1, 2, 3, 1, 2, 3)]

    assert counts == [b"1"] * 3 + [b"2"] * 3
    await redis.aclose()
