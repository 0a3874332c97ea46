"""The shared token bucket against a plain model, on a real Valkey. Time passes by moving what the bucket keeps."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from nura_rt.cache import script
from nura_rt.cache.rates import Rates
from nura_rt.telemetry import Counters

PER_S = 0.001  # a token takes a quarter of an hour: what the test itself lasts changes no decision
EACH_S = 1 / PER_S
KEY = "nura:{rate:messages:ada}"

burst_sizes = st.integers(1, 12)
steps = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 6)), max_size=25)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(script, "WITHIN_S", 60.0)


def rates(redis: Redis, *, per_s: float = PER_S, burst: int = 3) -> Rates:
    return Rates(redis, Counters(), kind="messages", per_s=per_s, burst=burst)


async def passes(redis: Redis, tokens: float) -> None:
    """So much time goes by that `tokens` come back."""
    if full_at := await redis.get(KEY):
        await redis.set(KEY, str(int(full_at) - round(tokens * EACH_S * 1e6)), keepttl=True)


@given(burst_sizes, steps)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_every_decision_is_that_of_a_bucket_of_tokens(
    patient: Redis, burst: int, steps: list[tuple[int, int]]
) -> None:
    await patient.delete(KEY)
    bucket, left, expected, decided = rates(patient, burst=burst), float(burst), [], []

    for half_tokens, n in steps:
        await passes(patient, half_tokens / 2 + 0.01)  # never just on the edge
        left = min(burst, left + half_tokens / 2 + 0.01)
        expected.append(left >= n)
        left -= n if left >= n else 0
        decided.append(await bucket.take("ada", n) == 0)

    assert decided == expected


@given(burst_sizes, steps)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_what_was_taken_elsewhere_is_owed_and_paid_back(
    patient: Redis, burst: int, steps: list[tuple[int, int]]
) -> None:
    await patient.delete(KEY)
    bucket, left, expected, decided = rates(patient, burst=burst), float(burst), [], []

    for half_tokens, n in steps:
        await passes(patient, half_tokens / 2 + 0.01)
        left = min(burst, left + half_tokens / 2 + 0.01)
        forgiven = -60 * PER_S  # a debt beyond a minute is not kept
        left = max(left, forgiven) - n
        expected.append(max(0, 1 - left))
        decided.append((await bucket.settle({"ada": n}) or {})["ada"] / EACH_S)

    assert decided == pytest.approx(expected, abs=0.4)


async def test_who_waits_as_told_may_take_and_nobody_sooner(patient: Redis, eyes: Redis) -> None:
    bucket = rates(patient, burst=3)
    await bucket.take("ada", 3)
    wait_s = await bucket.take("ada", 2)

    assert wait_s == pytest.approx(2 * EACH_S, rel=0.05)
    await passes(eyes, 1.9)
    assert await bucket.take("ada", 2) != 0
    await passes(eyes, 0.2)
    assert await bucket.take("ada", 2) == 0


async def test_a_refusal_costs_nothing(patient: Redis, eyes: Redis) -> None:
    bucket = rates(patient, burst=2)
    await bucket.take("ada")
    refused = [await bucket.take("ada", 2) for _ in range(5)]

    assert all(refused)
    assert await bucket.take("ada") == 0


async def test_people_and_kinds_do_not_share_and_two_instances_do(patient: Redis, eyes: Redis) -> None:
    here, there = rates(patient, burst=1), rates(patient, burst=1)
    calls = Rates(patient, Counters(), kind="calls", per_s=PER_S, burst=1)

    waits = [await here.take("ada"), await here.take("ben"), await calls.take("ada"), await there.take("ada")]

    assert waits[:3] == [0, 0, 0]
    assert waits[3]


async def test_a_bucket_is_kept_only_until_it_is_full_again(patient: Redis, eyes: Redis) -> None:
    await rates(patient, burst=3).take("ada", 2)

    assert await eyes.pttl(KEY) == pytest.approx(2 * EACH_S * 1000, rel=0.05)


async def test_a_clock_that_was_set_back_shuts_nobody_out_for_long(patient: Redis, eyes: Redis) -> None:
    bucket = rates(patient, per_s=10, burst=40)
    await bucket.take("ada")
    await eyes.incrby(KEY, 3600 * 10**6)  # what an hour less on the clock of Redis looks like

    assert 0 < (await bucket.take("ada") or 0) < 61


async def test_without_redis_it_is_unknown() -> None:
    counters = Counters()
    nobody = Redis(port=1)
    bucket = Rates(nobody, counters, kind="messages", per_s=1, burst=1)

    assert (await bucket.take("ada"), await bucket.settle({"ada": 1})) == (None, None)
    assert counters.snapshot() == {"rates_away": 2}
    await nobody.aclose()
