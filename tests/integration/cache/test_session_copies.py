"""Copies of sign-ins in Redis: kept as long as the session, gone when it ends, and never a reason to wait."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from nura_rt.cache import client
from nura_rt.cache.sessions import Copy, SessionCopies
from observed import Watch
from proxy import Proxy

COPY = Copy(
    user_id="ann",
    source="local",
    signed_in_at=1.5,
    expires_at=time.time() + 86_400,
    last_seen=2.25,
    device="tablet",
    named=True,
    ip_prefix="203.0.113.0/24",
    preferences={"share": {"with": ["nobody"]}},
)


async def test_a_copy_is_read_as_it_was_written(eyes: Redis) -> None:
    copies = SessionCopies(eyes)

    await copies.write("s1", COPY)

    assert await copies.read("s1") == COPY
    assert await copies.read("s2") is None
    left_s = COPY.expires_at - time.time()
    assert left_s - 60 < await eyes.ttl("session:s1") <= left_s + 60


async def test_a_later_copy_leaves_nothing_of_the_one_before(eyes: Redis) -> None:
    copies = SessionCopies(eyes)
    await copies.write("s1", COPY)
    bare = Copy("ann", "local", 1.5, COPY.expires_at, 3.0)

    await copies.write("s1", bare)

    assert await copies.read("s1") == bare


async def test_of_an_ended_session_only_that_is_kept(eyes: Redis) -> None:
    copies = SessionCopies(eyes)
    for session_id in ("s1", "s2", "s3"):
        await copies.write(session_id, COPY)

    await copies.end(["s1", "s2"])

    kept = [await eyes.hgetall(f"session:{one}") for one in ("s1", "s2")]
    assert kept == [{b"state": b"ended"}] * 2
    assert 0 < await eyes.ttl("session:s1") <= 120
    assert await copies.read("s1") is None
    assert await copies.read("s3") == COPY


async def test_an_expired_session_is_not_copied(eyes: Redis) -> None:
    await SessionCopies(eyes, clock=lambda: COPY.expires_at).write("s1", COPY)

    assert await eyes.exists("session:s1") == 0


async def test_what_is_forgotten_is_copied_anew(eyes: Redis) -> None:
    copies = SessionCopies(eyes)
    await copies.write("s1", COPY)

    await copies.forget(["s1", "missing"])
    await copies.forget([])

    assert await copies.read("s1") is None


async def test_a_stuck_redis_is_waited_for_once(
    network: Proxy, far_url: str, patience: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    redis, asked = client.for_caches(far_url), list[str]()
    copies, ask = SessionCopies(redis, monotonic=Watch()), redis.hgetall
    await copies.write("s1", COPY)

    async def hgetall(key: str) -> Any:
        asked.append(key)
        return await ask(key)

    monkeypatch.setattr(redis, "hgetall", hgetall)
    network.freeze()
    patience(0.1)

    answers = [await copies.read("s1") for _ in range(50)]

    assert answers == [None] * 50
    assert asked == ["session:s1"]
    assert not copies.reachable
    await redis.aclose()


async def test_it_comes_back_when_redis_does(network: Proxy, far_url: str) -> None:
    redis, now = client.for_caches(far_url), [0.0]
    copies = SessionCopies(redis, monotonic=lambda: now[0])
    network.cut()
    await copies.write("s1", COPY)
    network.heal()
    now[0] += 10

    await copies.write("s1", COPY)

    assert await copies.read("s1") == COPY
    assert copies.reachable
    await redis.aclose()


async def test_without_redis_there_are_no_copies() -> None:
    copies = SessionCopies(None)
    await copies.write("s1", COPY)
    await copies.end(["s1"])

    assert (await copies.read("s1"), copies.reachable) == (None, False)
