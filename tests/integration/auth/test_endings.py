"""Ended is ended: on every instance, with or without Redis, remembered or not."""

from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from identities import MakeSessions, somebody
from nura_rt.auth.sessions import Erased
from observed import Watch

ENDED = """
    UPDATE nura.sessions SET ended_at = now() - make_interval(secs => $2), end_reason = 'revoked' WHERE id = $1
"""


@pytest.mark.parametrize("shared", [True, False])
async def test_what_ended_elsewhere_is_refused_once_it_was_asked(
    redis: Redis, make_sessions: MakeSessions, shared: bool
) -> None:
    copies = redis if shared else None
    here, there = await make_sessions(copies), await make_sessions(copies)
    ann, heard = somebody(), list[str]()
    await here.seen(ann)
    await there.seen(ann)
    there.on_end(ann.session_id, heard.append)

    ended = await here.end(ann.user_id, ann.session_id, "revoked")
    await there.ask()
    await there.ask()

    assert ended
    assert heard == ["revoked"]
    assert (await here.seen(ann), await there.seen(ann)) == (False, False)


@pytest.mark.parametrize("seen_before", [True, False])
async def test_an_instance_that_cannot_hear_believes_neither_its_memory_nor_a_copy(
    redis: Redis, make_sessions: MakeSessions, seen_before: bool
) -> None:
    watch, ann = Watch(), somebody()
    here, deaf = await make_sessions(redis), await make_sessions(redis, monotonic=watch)
    await here.seen(ann)
    if seen_before:
        await deaf.seen(ann)
    copy: dict[Any, Any] = await redis.hgetall(f"session:{ann.session_id}")
    await here.end(ann.user_id, ann.session_id, "revoked")
    await redis.hset(f"session:{ann.session_id}", mapping=copy)  # as a slow instance might write it

    watch.now += 2.5  # and it was not asked what ended

    assert not await deaf.seen(ann)


async def test_a_new_instance_knows_what_ended_before_it_was_there(
    redis: Redis, root: asyncpg.Connection, make_sessions: MakeSessions
) -> None:
    here, ann = await make_sessions(redis), somebody()
    await here.seen(ann)
    await root.execute(ENDED, ann.session_id, 30)  # and Redis was not told

    fresh = await make_sessions(redis)

    assert fresh.is_ended(ann.session_id)
    assert not await fresh.seen(ann)


async def test_an_end_that_took_long_to_commit_is_heard(
    root: asyncpg.Connection, make_sessions: MakeSessions
) -> None:
    sessions, ann = await make_sessions(), somebody()
    await sessions.seen(ann)
    await sessions.ask()
    await root.execute(ENDED, ann.session_id, 10)

    await sessions.ask()

    assert sessions.is_ended(ann.session_id)


async def test_ended_is_ended_though_nobody_remembers(make_sessions: MakeSessions) -> None:
    watch = Watch()
    sessions, ann = await make_sessions(monotonic=watch), somebody()
    await sessions.seen(ann)
    await sessions.end(ann.user_id, ann.session_id, "revoked")
    watch.now += 3600
    await sessions.ask()
    sessions._endings.note([("another", "revoked")])
    watch.now += 3600
    sessions._endings.note([("a third", "revoked")])

    assert not sessions.is_ended(ann.session_id)
    assert not await sessions.seen(ann)


async def test_a_session_is_ended_by_its_person_alone_and_once(make_sessions: MakeSessions) -> None:
    sessions, ann, bob = await make_sessions(), somebody(), somebody()
    await sessions.seen(ann)
    await sessions.seen(bob)

    outcomes = [
        await sessions.end(bob.user_id, ann.session_id, "revoked"),
        await sessions.end(ann.user_id, "missing", "revoked"),
        await sessions.end(ann.user_id, ann.session_id, "revoked"),
        await sessions.end(ann.user_id, ann.session_id, "revoked"),
    ]

    assert outcomes == [False, False, True, False]
    assert await sessions.seen(bob)


async def test_redis_keeps_nothing_of_an_ended_session_but_that(
    redis: Redis, make_sessions: MakeSessions
) -> None:
    sessions, ann = await make_sessions(redis), somebody()
    await sessions.seen(ann, device="tablet", address="203.0.113.9")

    await sessions.end(ann.user_id, ann.session_id, "signed_out")

    assert await redis.hgetall(f"session:{ann.session_id}") == {b"state": b"ended"}


async def test_a_stranger_gets_nothing_from_a_session_that_was_seen_a_moment_ago(
    redis: Redis, make_sessions: MakeSessions
) -> None:
    here, there, ann = await make_sessions(redis), await make_sessions(redis), somebody()
    await here.seen(ann)
    stranger = somebody(session_id=ann.session_id)

    assert [await one.seen(stranger) for one in (here, there)] == [False, False]


async def test_all_others_are_ended(make_sessions: MakeSessions) -> None:
    sessions, ann, bob = await make_sessions(), somebody(), somebody()
    others = [msgspec.structs.replace(ann, session_id=f"{ann.user_id}-{n}") for n in range(3)]
    for identity in (ann, bob, *others):
        await sessions.seen(identity)
    await sessions.end(ann.user_id, others[0].session_id, "revoked")

    ended = await sessions.end_all(ann.user_id, keep=ann.session_id, reason="revoked")

    assert sorted(ended) == [one.session_id for one in others[1:]]
    assert [row.id for row in await sessions.list_of(ann.user_id)] == [ann.session_id]
    assert [await sessions.seen(one) for one in (ann, bob, *others)] == [True, True, False, False, False]


@pytest.mark.parametrize("why", ["is_active = false", "deleted_at = now()"])
async def test_the_sockets_of_who_may_not_be_here_any_more_close(
    root: asyncpg.Connection, make_sessions: MakeSessions, why: str
) -> None:
    sessions, ann, bob, heard = await make_sessions(), somebody(), somebody(), list[str]()
    for one in (ann, bob):
        await sessions.seen(one)
        sessions.on_end(one.session_id, heard.append)
    await root.execute(f"UPDATE users SET {why} WHERE id = $1", ann.user_id)

    await sessions.compare()

    reason = await root.fetchval("SELECT end_reason FROM nura.sessions WHERE id = $1", ann.session_id)
    assert (heard, reason) == (["deleted"], "deleted")
    assert [sessions.is_ended(one.session_id) for one in (ann, bob)] == [True, False]


async def test_who_is_gone_is_told_so(root: asyncpg.Connection, make_sessions: MakeSessions) -> None:
    sessions, ann = await make_sessions(), somebody()
    await sessions.seen(ann)
    await root.execute("UPDATE users SET deleted_at = now() WHERE id = $1", ann.user_id)
    await sessions.end_all(ann.user_id, keep=None, reason="deleted")
    elsewhere = await make_sessions()

    for one in (sessions, elsewhere):
        with pytest.raises(Erased):
            await one.seen(ann)
