"""Sign-ins across instances: how seldom PostgreSQL is asked, and that what ended is refused all the same."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from identities import MakeSessions, somebody
from nura_rt.cache import client
from observed import Counted, Watch
from proxy import Proxy, redis_socket


async def test_many_requests_of_a_minute_ask_postgresql_once(
    auth: asyncpg.Pool, make_sessions: MakeSessions
) -> None:
    counted, watch, ann = Counted(auth), Watch(), somebody()
    sessions = await make_sessions(pool=counted, monotonic=watch)
    asked = []
    for pause_s in (0.0, 0.5, 0.5, 60.0):
        watch.now += pause_s
        await sessions.ask()
        before = counted.asked
        assert await sessions.seen(ann)
        asked.append(counted.asked - before)

    assert asked == [1, 0, 0, 1]


async def test_another_instance_asks_redis_instead(
    auth: asyncpg.Pool, redis: Redis, make_sessions: MakeSessions
) -> None:
    counted, ann = Counted(auth), somebody()
    here, there = await make_sessions(redis), await make_sessions(redis, pool=counted, monotonic=Watch())
    await here.seen(ann)
    before = counted.asked

    assert await there.seen(ann)
    assert counted.asked == before


@pytest.mark.parametrize(
    "change",
    [
        {"last_seen": str(time.time() - 61)},
        {"last_seen": str(time.time() + 3600)},
        {"user_id": "somebody"},
        {"state": "ended"},
        {"last_seen": "nonsense"},
        {"preferences": "{"},
        {"unknown": "field", "user_id": "x"},
    ],
)
async def test_an_old_or_odd_copy_is_not_believed(
    auth: asyncpg.Pool, redis: Redis, make_sessions: MakeSessions, change: dict[Any, Any]
) -> None:
    counted, ann = Counted(auth), somebody()
    here, there = await make_sessions(redis), await make_sessions(redis, pool=counted)
    await here.seen(ann)
    await redis.hset(f"session:{ann.session_id}", mapping=change)
    before = counted.asked

    assert await there.seen(ann)
    assert counted.asked == before + 1


async def test_the_copy_has_state_preferences_device_and_where_and_lasts_as_long_as_the_session(
    redis: Redis, root: asyncpg.Connection, make_sessions: MakeSessions
) -> None:
    sessions, ann = await make_sessions(), somebody(signed_in_at=time.time() - 5)
    await sessions.seen(ann)
    await root.execute(
        """UPDATE users SET privacy_settings = '{"share": false}' WHERE id = $1""", ann.user_id
    )
    copying = await make_sessions(redis)

    await copying.seen(ann, device="Ann's \x00tablet", address="203.0.113.9")

    key = f"session:{ann.session_id}"
    kept: dict[Any, Any] = await redis.hgetall(key)
    copy = {name.decode(): value.decode() for name, value in kept.items()}
    ttl_s, last_seen = await redis.ttl(key), float(copy.pop("last_seen"))
    assert 3500 < ttl_s <= 3600
    assert abs(last_seen - time.time()) < 60
    assert float(copy.pop("signed_in_at")) == pytest.approx(ann.signed_in_at)
    assert float(copy.pop("expires_at")) == pytest.approx(ann.expires_at)
    assert copy == {
        "user_id": ann.user_id,
        "source": "local",
        "state": "active",
        "device": "Ann's tablet",
        "named": "true",
        "ip_prefix": "203.0.113.0/24",
        "preferences": '{"share":false}',
    }


async def test_changed_preferences_are_copied_anew(
    redis: Redis, root: asyncpg.Connection, make_sessions: MakeSessions
) -> None:
    watch = Watch()
    sessions, ann = await make_sessions(redis, monotonic=watch), somebody()
    await sessions.seen(ann)
    await root.execute("""UPDATE users SET privacy_settings = '{"share": true}' WHERE id = $1""", ann.user_id)

    await sessions.preferences_changed(ann.user_id)
    watch.now += 61
    await sessions.seen(ann)

    assert await redis.hget(f"session:{ann.session_id}", "preferences") == b'{"share":true}'


async def test_a_name_is_kept_though_the_session_was_seen_a_moment_ago(
    auth: asyncpg.Pool, make_sessions: MakeSessions
) -> None:
    counted, ann = Counted(auth), somebody()
    sessions = await make_sessions(pool=counted, monotonic=Watch())
    asked = []
    for device in (None, "tablet", "phone", None):
        before = counted.asked
        await sessions.seen(ann, device=device, agent="curl/8")
        asked.append(counted.asked - before)

    (row,) = await sessions.list_of(ann.user_id)
    assert (row.device, asked) == ("tablet", [1, 1, 0, 0])


async def test_a_local_sign_in_begins_before_its_token_is_seen(make_sessions: MakeSessions) -> None:
    sessions, ann = await make_sessions(), somebody()
    await sessions.seen(ann)
    now = datetime.now(UTC)

    begun = await sessions.begin(ann.user_id, signed_in_at=now, device="Firefox\n", address="2001:db8::1")
    seen = await sessions.seen(msgspec.structs.replace(ann, session_id=begun))

    rows = {row.id: row for row in await sessions.list_of(ann.user_id)}
    assert seen
    assert (rows[begun].device, rows[begun].ip_prefix) == ("Firefox", "2001:db8::/56")
    assert rows[begun].signed_in_at == now


@pytest.mark.parametrize("trouble", ["cut", "freeze"])
async def test_without_redis_everything_works(
    redis_url: str, make_sessions: MakeSessions, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Proxy(redis_socket(redis_url)) as network:
        far = client.for_caches(f"redis://127.0.0.1:{network.port}/8")
        here, there = await make_sessions(far), await make_sessions(far)
        ann = somebody()
        await here.seen(ann)
        getattr(network, trouble)()
        monkeypatch.setattr("nura_rt.cache.sessions.AT_MOST_S", 0.15)

        async with asyncio.timeout(20):
            seen = [await there.seen(ann), await there.seen(somebody())]
            ended = await here.end(ann.user_id, ann.session_id, "revoked")
            await there.ask()
            after = [await here.seen(ann), await there.seen(ann)]
        await far.aclose()

    assert (seen, ended, after) == ([True, True], True, [False, False])
