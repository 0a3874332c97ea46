"""Verifiers: which tokens each configuration takes, and what they do when Supabase rotates, is slow, or is gone."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from jwks_server import SESSION, JwksServer, SigningKey, hs256
from nura_rt import settings
from nura_rt.auth.jwks import FRESH_S, RETRY_S, STALE_S, Jwks, KeysUnavailable
from nura_rt.auth.tokens import Identity, TokenError, Tokens
from nura_rt.auth.verify import Asymmetric, LegacyHS256, Migrating, Verifier, verifier
from nura_rt.settings import SettingsError

SECRET = "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg"
ELSEWHERE = "https://project.supabase.co/auth/v1"
ADA = "8c5f6f0e-54c4-4f0e-9c55-3f3d1f6f2a11"
OLD, NEW = SigningKey.es256("old"), SigningKey.rs256("new")
TOKENS = Tokens(SECRET, ttl_s=600)


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
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asymmetric(server: JwksServer, http: httpx.AsyncClient, clock: Clock) -> Asymmetric:
    return Asymmetric(Jwks(server.keys_url, http, clock=clock), issuer=server.issuer)


@pytest.fixture
def migrating(asymmetric: Asymmetric, server: JwksServer) -> Migrating:
    return Migrating(asymmetric, LegacyHS256(SECRET, issuer=server.issuer))


def configured(http: httpx.AsyncClient | None, **variables: str) -> Verifier:
    return verifier(settings.load(variables, dotenv=None), TOKENS, http)


async def outcome(verifier: Verifier, token: str) -> str:
    """Who it is, or what is said instead."""
    try:
        return (await verifier.verify(token)).user_id
    except TokenError as error:
        return error.slug
    except KeysUnavailable:
        return "unavailable"


@pytest.mark.parametrize("key", [OLD, NEW], ids=["ES256", "RS256"])
async def test_what_a_token_says_of_a_person_is_kept(
    server: JwksServer, asymmetric: Asymmetric, key: SigningKey
) -> None:
    server.publish(OLD, NEW)
    now = int(time.time())
    methods = [{"method": "otp", "timestamp": now - 50}, {"method": "password", "timestamp": now - 70}]
    said = server.claims(
        ADA, now=now, phone="15550100", amr=methods, email_confirmed_at="2026-01-01T00:00:00Z"
    )

    identity = await asymmetric.verify(key.sign(said))

    assert identity == Identity(
        ADA,
        SESSION,
        "ada@example.org",
        now + 3_600,
        issued_at=now,
        phone="15550100",
        signed_in_at=now - 50,
        email_confirmed_at=1_767_225_600,
        phone_confirmed_at=None,
        source="supabase",
    )


async def test_each_configuration_takes_its_own_tokens_and_no_others(
    server: JwksServer, http: httpx.AsyncClient
) -> None:
    project, secret = {"SUPABASE_URL": server.url}, {"SUPABASE_JWT_SECRET": SECRET}
    supabase = {"AUTH_MODE": "supabase"}
    made = {
        "ours": TOKENS.issue(ADA),
        "the project's key": OLD.sign(server.claims(ADA)),
        "the project's secret": hs256(server.claims(ADA), SECRET),
        "the secret, elsewhere": hs256(server.claims(ADA, iss=ELSEWHERE), SECRET),
        "the key, elsewhere": OLD.sign(server.claims(ADA, iss=ELSEWHERE)),
    }
    taken = {}
    for name, variables in {
        "local": secret,
        "local beside a project": secret | project,
        "keys": supabase | project,
        "secret": supabase | secret,
        "both": supabase | project | secret,
    }.items():
        checked = configured(http, **variables)
        taken[name] = {what for what, token in made.items() if await outcome(checked, token) == ADA}

    assert taken == {
        "local": {"ours", "the secret, elsewhere"},
        "local beside a project": {"ours"},
        "keys": {"the project's key"},
        "secret": {"the secret, elsewhere"},
        "both": {"the project's key", "the project's secret"},
    }


async def test_a_trailing_slash_in_the_address_changes_nothing(
    server: JwksServer, http: httpx.AsyncClient
) -> None:
    checked = configured(http, AUTH_MODE="supabase", SUPABASE_URL=f"{server.url}/")

    assert await outcome(checked, OLD.sign(server.claims(ADA))) == ADA


@pytest.mark.parametrize("secret", ["", "a-secret-of-16-b", "x" * 31, OLD.pem.decode()])
def test_a_weak_secret_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        LegacyHS256(secret, issuer=None)


def test_a_public_key_as_a_secret_names_the_setting_and_not_its_value() -> None:
    with pytest.raises(SettingsError, match=r"^SUPABASE_JWT_SECRET: ") as caught:
        configured(None, AUTH_MODE="supabase", SUPABASE_JWT_SECRET=OLD.pem.decode())

    assert "BEGIN" not in str(caught.value)


def test_a_part_that_is_missing_is_said_at_once() -> None:
    local = settings.load({}, dotenv=None)
    remote = settings.load({"AUTH_MODE": "supabase", "SUPABASE_URL": "https://p.supabase.co"}, dotenv=None)

    for loaded in (local, remote):
        with pytest.raises(ValueError, match="need"):
            verifier(loaded, None, None)


async def test_a_new_key_is_taken_after_one_fetch(server: JwksServer, asymmetric: Asymmetric) -> None:
    await asymmetric.verify(OLD.sign(server.claims(ADA)))
    server.publish(NEW, OLD)

    assert await outcome(asymmetric, NEW.sign(server.claims(ADA))) == ADA
    assert server.fetches == 2


async def test_a_key_taken_back_is_refused_after_five_minutes_or_a_purge(
    server: JwksServer, asymmetric: Asymmetric, clock: Clock
) -> None:
    token = OLD.sign(server.claims(ADA))
    before = await outcome(asymmetric, token)
    server.publish(NEW)
    cached = await outcome(asymmetric, token)
    clock.now += FRESH_S
    later = await outcome(asymmetric, token)
    server.publish(OLD)
    asymmetric.purge()

    assert (before, cached, later) == (ADA, ADA, "invalid")
    assert await outcome(asymmetric, token) == ADA


async def test_made_up_names_make_us_ask_twice_and_keep_nobody_out(
    server: JwksServer, asymmetric: Asymmetric
) -> None:
    claims = server.claims(ADA)
    floods = [[OLD.sign(claims, {"kid": f"{wave}-{number}"}) for number in range(100)] for wave in range(3)]

    refused = [await asyncio.gather(*(outcome(asymmetric, token) for token in wave)) for wave in floods]

    assert {slug for wave in refused for slug in wave} == {"invalid"}
    assert await outcome(asymmetric, OLD.sign(claims)) == ADA
    assert server.fetches == 2


async def test_what_is_no_token_asks_nobody(server: JwksServer, asymmetric: Asymmetric) -> None:
    claims = server.claims(ADA)
    for token in ("", "a.b.c", OLD.sign(claims) + "=", OLD.sign({**claims, "pad": "x" * 9_000}), "é.é.é"):
        assert await outcome(asymmetric, token) == "invalid"

    assert server.fetches == 0


async def test_fifty_at_once_wait_for_one_slow_fetch(server: JwksServer, asymmetric: Asymmetric) -> None:
    server.delay_s = 0.3
    token = OLD.sign(server.claims(ADA))

    outcomes = await asyncio.gather(*(outcome(asymmetric, token) for _ in range(50)))

    assert set(outcomes) == {ADA}
    assert server.fetches == 1


async def test_no_keys_at_the_start_is_no_fault_of_the_token(
    server: JwksServer, asymmetric: Asymmetric, clock: Clock
) -> None:
    server.stop()
    down = await outcome(asymmetric, OLD.sign(server.claims(ADA)))
    server.start()
    clock.now += RETRY_S

    assert down == "unavailable"
    assert await outcome(asymmetric, OLD.sign(server.claims(ADA))) == ADA


async def test_an_outage_of_an_hour_is_not_felt_a_longer_one_is(
    server: JwksServer, asymmetric: Asymmetric, clock: Clock
) -> None:
    token = OLD.sign(server.claims(ADA))
    outcomes = [await outcome(asymmetric, token)]
    server.stop()
    for age in (FRESH_S, STALE_S - 1, STALE_S):
        clock.now = 1_000.0 + age
        outcomes.append(await outcome(asymmetric, token))

    assert outcomes == [ADA, ADA, ADA, "unavailable"]


async def test_a_published_name_means_the_published_key(server: JwksServer, migrating: Migrating) -> None:
    claims = server.claims(ADA)
    tokens = {
        "by the key": OLD.sign(claims),
        "by the secret, no name": hs256(claims, SECRET),
        "by the secret, its own name": hs256(claims, SECRET, {"kid": "legacy"}),
        "by the secret, the key's name": hs256(claims, SECRET, {"kid": "old"}),
        "by the secret, saying ES256": hs256(claims, SECRET, {"kid": "old", "alg": "ES256"}),
    }

    outcomes = {name: await outcome(migrating, token) for name, token in tokens.items()}

    assert [name for name, who in outcomes.items() if who == ADA] == list(tokens)[:3]
    assert set(list(outcomes.values())[3:]) == {"invalid"}


async def test_the_secret_counts_while_the_keys_are_out_of_reach(
    server: JwksServer, migrating: Migrating
) -> None:
    server.stop()
    claims, old = server.claims(ADA), server.claims(ADA, exp=int(time.time()) - 60)
    named = {"kid": "legacy"}

    outcomes = [
        await outcome(migrating, token)
        for token in (
            hs256(claims, SECRET),
            hs256(claims, SECRET, named),
            hs256(old, SECRET, named),
            OLD.sign(claims),
        )
    ]

    assert outcomes == [ADA, ADA, "expired", "unavailable"]


async def test_a_purge_reaches_the_keys_behind_both(server: JwksServer, migrating: Migrating) -> None:
    token = OLD.sign(server.claims(ADA))
    await migrating.verify(token)
    server.publish(NEW)

    migrating.purge()

    assert await outcome(migrating, token) == "invalid"
