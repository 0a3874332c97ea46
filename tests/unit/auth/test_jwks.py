"""A project's keys: asked for seldom, kept for an hour when nobody answers, and never anything but public keys."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from jwks_server import JwksServer, SigningKey
from nura_rt.auth.jwks import ASK_AGAIN_S, FRESH_S, RETRY_COLD_S, RETRY_S, STALE_S, Jwks
from nura_rt.auth.jwks import KeysUnavailable as Unavailable

OLD = SigningKey.es256("old")
NEW = SigningKey.rs256("new")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[JwksServer]:
    with JwksServer(OLD) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> asyncio.Event:
    """While it is cleared no answer gets through to us."""
    opened = asyncio.Event()
    opened.set()
    return opened


@pytest.fixture
async def keys(server: JwksServer, clock: Clock, gate: asyncio.Event) -> AsyncIterator[Jwks]:
    async def hold(_: httpx.Response) -> None:
        await gate.wait()

    async with httpx.AsyncClient(trust_env=False, event_hooks={"response": [hold]}) as http:
        yield Jwks(server.keys_url, http, clock=clock)


async def found(keys: Jwks, kid: str) -> str:
    """The algorithm of the key, or what is said instead."""
    try:
        key = await keys.find(kid)
    except Unavailable:
        return "unavailable"
    return key.algorithm if key else "unknown"


async def test_keys_are_found_by_name_with_the_algorithm_of_their_kind(
    server: JwksServer, keys: Jwks
) -> None:
    server.publish(OLD, NEW)

    assert [await found(keys, kid) for kid in ("old", "new", "other")] == ["ES256", "RS256", "unknown"]


async def test_keys_are_fetched_once_in_five_minutes(server: JwksServer, keys: Jwks, clock: Clock) -> None:
    counts = []
    for passed in (0, 1, FRESH_S - 2, 2, 1):
        clock.now += passed
        await keys.find("old")
        counts.append(server.fetches)

    assert counts == [1, 1, 1, 2, 2]


async def test_a_revoked_key_is_gone_after_five_minutes(server: JwksServer, keys: Jwks, clock: Clock) -> None:
    await keys.find("old")
    server.publish(NEW)
    clock.now += FRESH_S

    assert await found(keys, "old") == "unknown"


async def test_a_new_key_is_known_after_one_fetch(server: JwksServer, keys: Jwks) -> None:
    await keys.find("old")
    server.publish(OLD, NEW)

    assert await found(keys, "new") == "RS256"
    assert server.fetches == 2


async def test_a_flood_of_unknown_names_is_one_fetch_in_thirty_seconds(
    server: JwksServer, keys: Jwks, clock: Clock
) -> None:
    await keys.find("old")
    counts = []
    for round_ in range(3):
        await asyncio.gather(*(keys.find(f"made-up-{round_}-{number}") for number in range(200)))
        counts.append(server.fetches)
        clock.now += ASK_AGAIN_S

    assert counts == [2, 3, 4]


async def test_a_flood_from_the_start_asks_no_more(server: JwksServer, keys: Jwks) -> None:
    for number in range(100):
        assert await found(keys, f"made-up-{number}") == "unknown"

    assert server.fetches == 2


async def test_fifty_at_once_wait_for_one_slow_fetch(server: JwksServer, keys: Jwks) -> None:
    server.delay_s = 0.3

    answers = await asyncio.gather(*(found(keys, "old") for _ in range(50)))

    assert set(answers) == {"ES256"}
    assert server.fetches == 1


async def test_fifty_with_a_new_key_wait_for_one_slow_fetch(server: JwksServer, keys: Jwks) -> None:
    await keys.find("old")
    server.publish(NEW)
    server.delay_s = 0.3

    answers = await asyncio.gather(*(found(keys, "new") for _ in range(50)))

    assert set(answers) == {"RS256"}
    assert server.fetches == 2


async def test_who_has_a_known_key_does_not_wait_for_the_one_who_fetches(
    server: JwksServer, keys: Jwks, clock: Clock, gate: asyncio.Event
) -> None:
    await keys.find("old")
    clock.now += FRESH_S
    gate.clear()
    fetching = asyncio.ensure_future(found(keys, "old"))
    await server.asked(2)

    assert await found(keys, "old") == "ES256"
    assert not fetching.done()
    gate.set()
    await fetching


async def test_one_who_goes_away_does_not_take_the_others_with_him(
    server: JwksServer, keys: Jwks, gate: asyncio.Event
) -> None:
    gate.clear()
    first = asyncio.ensure_future(found(keys, "old"))
    others = [asyncio.ensure_future(found(keys, "old")) for _ in range(5)]
    await server.asked(1)

    first.cancel()
    gate.set()

    assert set(await asyncio.gather(*others)) == {"ES256"}
    assert server.fetches == 2


async def test_without_a_first_answer_nobody_can_say(server: JwksServer, keys: Jwks, clock: Clock) -> None:
    server.stop()
    down = [await found(keys, "old") for _ in range(20)]
    server.start()
    early = await found(keys, "old")
    clock.now += RETRY_COLD_S

    assert {*down, early} == {"unavailable"}
    assert server.fetches == 0
    assert await found(keys, "old") == "ES256"


async def test_old_keys_serve_an_hour_of_outage_and_no_longer(
    server: JwksServer, keys: Jwks, clock: Clock
) -> None:
    await keys.find("old")
    server.stop()
    answers = []
    for age in (FRESH_S, STALE_S - 1, STALE_S, STALE_S + 7_200):
        clock.now = 1_000.0 + age
        answers.append(await found(keys, "old"))

    assert answers == ["ES256", "ES256", "unavailable", "unavailable"]


async def test_an_outage_is_asked_about_every_thirty_seconds(
    server: JwksServer, keys: Jwks, clock: Clock
) -> None:
    await keys.find("old")
    server.status = 503
    clock.now += FRESH_S
    counts = []
    for passed in (0, RETRY_S - 1, 1):
        clock.now += passed
        for _ in range(10):
            assert await found(keys, "old") == "ES256"
        counts.append(server.fetches)

    assert counts == [2, 2, 3]


async def test_during_an_outage_an_unknown_name_is_not_called_wrong(server: JwksServer, keys: Jwks) -> None:
    await keys.find("old")
    server.status = 500

    assert await found(keys, "new") == "unavailable"
    assert await found(keys, "old") == "ES256"


async def test_a_purge_takes_effect_at_once(server: JwksServer, keys: Jwks) -> None:
    await keys.find("old")
    server.publish(NEW)

    keys.purge()

    assert [await found(keys, kid) for kid in ("old", "new")] == ["unknown", "RS256"]


async def test_a_purge_also_forgets_keys_on_their_way(
    server: JwksServer, keys: Jwks, gate: asyncio.Event
) -> None:
    gate.clear()
    fetching = asyncio.ensure_future(found(keys, "old"))
    await server.asked(1)
    server.publish(NEW)

    keys.purge()
    gate.set()

    assert await fetching == "unavailable"
    assert [await found(keys, kid) for kid in ("old", "new")] == ["unknown", "RS256"]
