"""Presence on several instances and a real Valkey: counts, what is heard of them, kills, and twenty sockets at most."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cluster import server
from instances import House, Wire
from nura_rt.cache import client, script
from nura_rt.cache.leases import Change, Leased, Leases
from nura_rt.protocol.errors import Close
from nura_rt.realtime import presence
from servers import eventually

WITHIN_S = script.WITHIN_S


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def here(redis: Redis, wire: Wire) -> AsyncIterator[House]:
    async with House("a", redis, wire, at_most=3).at_work() as house:
        yield house


@pytest.fixture
async def there(redis: Redis, wire: Wire) -> AsyncIterator[House]:
    async with House("b", redis, wire, at_most=3).at_work() as house:
        yield house


async def test_every_socket_hears_how_many_there_are_on_all_instances(here: House, there: House) -> None:
    first = here.join("ada")
    await eventually(lambda: first.counts == [1])
    second = there.join("ada")
    await eventually(lambda: first.counts == [1, 2] and second.counts == [2])
    stranger = there.join("ben")
    await eventually(lambda: stranger.counts == [1])

    here.leave("ada", first)

    await eventually(lambda: second.counts == [2, 1])
    assert first.counts == [1, 2]
    assert await here.presence.count("ada") == 1


async def test_who_takes_anothers_place_at_once_hears_the_count_and_nobody_else_hears_it_again(
    here: House, there: House
) -> None:
    here.join("ada")
    first, other = here.join("ada", at=1), there.join("ada", at=2)
    await eventually(lambda: first.counts[-1:] == [3] == other.counts[-1:])
    heard = list(other.counts)

    here.leave("ada", first)
    again = here.join("ada", at=3)

    await eventually(lambda: again.counts == [3])
    assert other.counts == heard


async def test_a_count_that_got_lost_on_the_way_is_heard_with_the_next_renewal(
    redis: Redis, wire: Wire
) -> None:
    here, there = (House(name, redis, wire, refresh_s=0.2) for name in "ab")
    async with here.at_work(), there.at_work():
        first = here.join("ada")
        await eventually(lambda: first.counts == [1])
        wire.cut = True
        there.join("ada")

        await eventually(lambda: first.counts == [1, 2])


async def test_what_a_killed_instance_held_is_gone_and_sockets_elsewhere_hear_it(
    redis: Redis, wire: Wire
) -> None:
    here, there = (House(name, redis, wire, lease_s=2.0, refresh_s=0.2) for name in "ab")
    async with here.at_work():
        first = here.join("ada")
        async with there.at_work():
            for at in range(3):
                there.join("ada", at=at)
            await eventually(lambda: first.counts[-1:] == [4])

        await eventually(lambda: first.counts[-1] == 1)

    assert await here.presence.count("ada") == 1


def test_within_a_minute_nobody_counts_what_a_killed_instance_held() -> None:
    assert presence.LEASE_S + presence.REFRESH_S + 2 * WITHIN_S < 60
    assert 3 * presence.REFRESH_S < presence.LEASE_S


async def test_an_instance_that_stops_gives_its_leases_back_at_once(here: House, there: House) -> None:
    first, second = here.join("ada"), there.join("ada")
    await eventually(lambda: first.counts[-1:] == [2] == second.counts[-1:])

    await here.presence.leave_all()

    assert await there.presence.count("ada") == 1
    assert second.counts[-1] == 1


async def test_beyond_the_limit_the_oldest_socket_is_closed_wherever_it_is(here: House, there: House) -> None:
    oldest, second = there.join("ada", at=1), here.join("ada", at=2)
    await eventually(lambda: oldest.counts[-1:] == [2])
    third, fourth = here.join("ada", at=3), there.join("ada", at=4)
    fifth = here.join("ada", at=5)

    await eventually(lambda: oldest.closed and second.closed)

    assert [one.closed for one in (oldest, second)] == [Close.DISPLACED] * 2
    assert [one.closed for one in (third, fourth, fifth)] == [None] * 3
    await eventually(lambda: fifth.counts[-1:] == [3])
    assert await here.presence.count("ada") == 3


async def test_one_that_did_not_hear_that_it_was_put_out_is_put_out_by_its_next_renewal(
    redis: Redis, wire: Wire
) -> None:
    here, there = (House(name, redis, wire, at_most=1, refresh_s=0.2) for name in "ab")
    wire.cut = True
    async with here.at_work():
        old = here.join("ada", at=1)
        await eventually(lambda: old.counts == [1])
        async with there.at_work():
            new = there.join("ada", at=2)

            await eventually(lambda: old.closed)

    assert (old.closed, new.closed) == (Close.DISPLACED, None)


async def test_many_who_come_at_once_are_told_to_redis_together(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    renew = Leases.renew

    async def counted(leases: Leases, changes: list[Change]) -> list[Leased | None] | None:
        rounds.append(len(changes))
        return await renew(leases, changes)

    monkeypatch.setattr(Leases, "renew", counted)
    sockets = [here.join(f"person-{number}") for number in range(600)]
    await eventually(lambda: all(one.counts == [1] for one in sockets))

    assert len(rounds) <= 600 / (presence._BATCH / 2) + 2
    assert max(rounds) <= presence._BATCH


@pytest.mark.slow
async def test_without_redis_the_limit_counts_here_and_on_its_return_all_is_told_again(
    wire: Wire, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        valkey = await stack.enter_async_context(server(tmp_path))
        redis = client.for_caches(valkey.url)
        stack.push_async_callback(redis.aclose)
        here, there = [
            await stack.enter_async_context(House(name, redis, wire, at_most=3, refresh_s=0.3).at_work())
            for name in "ab"
        ]
        kept = there.join("ada", at=1)
        await eventually(lambda: kept.counts == [1])
        await valkey.kill()
        sockets = [here.join("ada", at=at) for at in range(2, 7)]
        away = [one.closed for one in sockets]
        await eventually(lambda: here.counters.snapshot().get("leases_away"))
        unknown = await here.presence.count("ada")
        told = [one.counts for one in sockets]
        here.leave("ada", sockets[-1])
        await valkey.start()

        await eventually(lambda: kept.counts[-1:] == [3])

    assert away == [Close.DISPLACED, Close.DISPLACED, None, None, None]
    assert (unknown, told) == (None, [[]] * 5)
    assert [one.closed for one in (kept, *sockets[2:])] == [None] * 4


@pytest.mark.slow
async def test_a_redis_that_came_back_empty_is_told_of_everybody_at_once(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_BATCH", 2)
    people = [f"person-{number}" for number in range(7)]
    async with server(tmp_path) as valkey:
        redis = client.for_caches(valkey.url)
        async with House("a", redis, wire).at_work() as house:
            first = [house.join(person_id) for person_id in people]
            await eventually(lambda: all(one.counts == [1] for one in first))
            await valkey.kill()
            house.join("newcomer")
            await eventually(lambda: "leases_away" in house.counters.snapshot())
            await valkey.start()
            async with asyncio.timeout(30):
                while await valkey.eyes.dbsize() < 8:
                    pass

            counts = [await house.presence.count(person_id) for person_id in (*people, "newcomer")]
        await redis.aclose()

    assert counts == [1] * 8


@pytest.mark.slow
async def test_who_takes_anothers_place_while_redis_is_away_hears_the_count(
    wire: Wire, tmp_path: Path
) -> None:
    async with server(tmp_path) as valkey:
        redis = client.for_caches(valkey.url)
        async with House("a", redis, wire).at_work() as house:
            first, second = house.join("ada"), house.join("ada", at=1)
            await eventually(lambda: second.counts[-1:] == [2])
            await valkey.kill()
            house.leave("ada", first)
            late = house.join("ada", at=2)
            await eventually(lambda: "leases_away" in house.counters.snapshot())
            await valkey.start()

            await eventually(lambda: late.counts == [2])
        await redis.aclose()


async def test_in_a_rush_no_change_is_taken_for_a_renewal(
    redis: Redis, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_BATCH", 4)
    here, there = (House(name, redis, wire) for name in "ab")
    people = [f"person-{number}" for number in range(4)]
    async with here.at_work(), there.at_work():
        elsewhere = [there.join(person_id) for person_id in people]
        [here.join(person_id, at=1) for person_id in people]
        await eventually(lambda: all(one.counts[-1:] == [2] for one in elsewhere))
        here.presence._due = dict.fromkeys(reversed(people), 0.0)  # everybody is due just now
        [here.join(person_id, at=2) for person_id in people]

        await eventually(lambda: all(one.counts[-1:] == [3] for one in elsewhere))
