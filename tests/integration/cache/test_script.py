"""Scripts on a real Valkey: a server that never saw them, one that has restarted, keys that are odd, a cluster."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from cluster import cluster, server
from nura_rt.cache import client, script
from nura_rt.cache.script import Script
from nura_rt.telemetry import Counters

ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(script, "WITHIN_S", 60.0)


def adding(redis: Redis, counters: Counters | None = None) -> Script:
    return Script(redis, ADD, name="adding", counters=counters or Counters())


async def test_a_server_that_does_not_know_the_script_learns_it_and_each_call_runs_once(
    patient: Redis, eyes: Redis
) -> None:
    await eyes.script_flush()
    script = adding(patient)

    answers = [await script.run([("one", [1]), ("two", [2]), ("one", [10])]) for _ in range(2)]

    assert answers == [[1, 2, 11], [12, 4, 22]]


async def test_one_odd_key_harms_only_itself(patient: Redis, eyes: Redis) -> None:
    counters = Counters()
    await eyes.lpush("odd", "not a number")

    answers = await adding(patient, counters).run([("one", [1]), ("odd", [1]), ("two", [1])])

    assert answers == [1, None, 1]
    assert counters.snapshot() == {"adding_refused": 1}


@pytest.mark.slow
async def test_it_goes_on_after_the_server_was_killed_and_came_back(tmp_path: Path) -> None:
    async with server(tmp_path) as valkey:
        redis = client.for_caches(valkey.url)
        counters = Counters()
        script = adding(redis, counters)
        before = await script.run([("one", [1])])
        await valkey.kill()
        during = await script.run([("one", [1])])
        await valkey.start()
        after = await script.run([("one", [1])])
        await redis.aclose()

    assert (before, during, after) == ([1], None, [1])
    assert counters.snapshot() == {"adding_away": 1}


@pytest.mark.slow
async def test_on_a_cluster_each_call_finds_its_shard(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        redis = client.for_caches(made.url)  # learns of its shards from the first refusal
        script = adding(redis)
        keys = [f"nura:{{presence:{number}}}" for number in range(30)]

        answers = [await script.run([(key, [1]) for key in keys]) for _ in range(2)]
        sizes = [await one.eyes.dbsize() for one in made.masters]
        await redis.aclose()

    assert answers == [[1] * 30, [2] * 30]
    assert all(sizes)
    assert sum(sizes) == 30
