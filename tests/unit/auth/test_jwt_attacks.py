"""What people try with tokens, against every configuration: none becomes an identity, none becomes another error."""

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from jwks_server import JwksServer, SigningKey, b64, hs256, signing_input
from nura_rt import settings
from nura_rt.auth.tokens import TokenError, Tokens
from nura_rt.auth.verify import Verifier, verifier

SECRET = "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg"
ADA = "8c5f6f0e-54c4-4f0e-9c55-3f3d1f6f2a11"
EC, RSA = SigningKey.es256("ec-1"), SigningKey.rs256("rsa-1")
STRANGER = SigningKey.es256("ec-1")  # the right name, another key
SUPABASE = {"AUTH_MODE": "supabase"}
KNOWN_SECRET, PROJECT = {"SUPABASE_JWT_SECRET": SECRET}, {"SUPABASE_URL": "set below"}
CONFIGURATIONS: dict[str, tuple[dict[str, str], SigningKey | None]] = {
    "local": (KNOWN_SECRET, None),
    "local beside a project": (KNOWN_SECRET | PROJECT, None),
    "Supabase with its keys, ES256": (SUPABASE | PROJECT, EC),
    "Supabase with its keys, RS256": (SUPABASE | PROJECT, RSA),
    "Supabase with its secret": (SUPABASE | KNOWN_SECRET, None),
    "Supabase with both, ES256": (SUPABASE | PROJECT | KNOWN_SECRET, EC),
    "Supabase with both, HS256": (SUPABASE | PROJECT | KNOWN_SECRET, None),
}
Sign = Callable[..., str]


class Target(msgspec.Struct):
    """One configuration under attack: how it verifies, and what an insider could sign."""

    verifier: Verifier
    sign: Sign
    good: dict[str, Any]

    async def outcome(self, token: str) -> str:
        try:
            return (await self.verifier.verify(token)).user_id
        except TokenError as error:
            return error.slug


@pytest.fixture(params=CONFIGURATIONS, scope="module")
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    variables, key = CONFIGURATIONS[request.param]
    with JwksServer(EC, RSA) as server:
        given = {name: server.url if name in PROJECT else value for name, value in variables.items()}
        loaded = settings.load(given, dotenv=None)
        issuer = server.issuer if "SUPABASE_URL" in given else "https://project.supabase.co/auth/v1"
        good = server.claims(ADA, iss="nura-rt" if loaded.auth_mode == "local" else issuer)
        async with httpx.AsyncClient(trust_env=False) as http:
            checked = verifier(loaded, Tokens(SECRET, ttl_s=600), http)
            yield Target(checked, key.sign if key else sign_by_secret, good)


def sign_by_secret(claims: object, header: dict[str, Any] | None = None) -> str:
    return hs256(claims, SECRET, header)


def bare(target: Target, algorithm: object, signature: str = "") -> str:
    return f"{signing_input(target.good, {'alg': algorithm, 'typ': 'JWT', 'kid': 'ec-1'})}.{signature}"


def changed(**claims: object) -> Callable[[Target], str]:
    """Rightly signed, but saying something else; None takes a claim away."""

    def token(target: Target) -> str:
        kept = {**target.good, **claims}
        return target.sign({name: value for name, value in kept.items() if value is not None})

    return token


def headed(**header: object) -> Callable[[Target], str]:
    """Rightly signed, under another header."""
    return lambda target: target.sign(target.good, header)


def keyed(key: SigningKey, secret: str | bytes) -> Callable[[Target], str]:
    """HS256 by something everybody may know, under the name of the key it was made of."""
    return lambda target: hs256(target.good, secret, {"kid": key.kid})


compact = {"separators": (",", ":")}
ATTACKS: dict[str, Callable[[Target], str]] = {
    "HS256 by the PEM of the EC key": keyed(EC, EC.pem),
    "HS256 by the PEM of the RSA key": keyed(RSA, RSA.pem),
    "HS256 by a PEM without its last line end": keyed(EC, EC.pem.strip()),
    "HS256 by a PEM and no name": lambda target: hs256(target.good, EC.pem),
    "HS256 by the JWK of the EC key": keyed(EC, json.dumps(EC.jwk)),
    "HS256 by the JWK of the RSA key, compact": keyed(RSA, json.dumps(RSA.jwk, **compact)),  # type: ignore[arg-type]
    "HS256 by a coordinate": keyed(EC, EC.jwk["x"]),
    "HS256 by nothing": keyed(EC, b""),
    "the true secret under the name of an EC key, wrong issuer": lambda target: hs256(
        {**target.good, "iss": "x"}, SECRET, {"kid": "ec-1"}
    ),
    "alg none": lambda target: bare(target, "none"),
    "alg none with a signature": lambda target: bare(target, "none", "AAAA"),
    "alg None": lambda target: bare(target, "None", "AAAA"),
    "no alg": lambda target: bare(target, None, "AAAA"),
    "an unknown critical header": headed(crit=["x-new"], **{"x-new": 1}),
    "a critical header without a value": headed(crit=["exp"]),
    "an empty critical header": headed(crit=[]),
    "a critical header that is known elsewhere": headed(crit=["b64"], b64=True),
    "a service role": changed(role="service_role"),
    "a legacy service key": changed(
        iss="supabase", ref="project", role="service_role", sub=None, session_id=None
    ),
    "a legacy anon key": changed(iss="supabase", role="anon", sub=None, session_id=None, aud=None),
    "the anonymous role": changed(role="anon"),
    "the audience anon": changed(aud="anon"),
    "two audiences": changed(aud=["authenticated", "anon"]),
    "somebody else's key under our name": lambda target: STRANGER.sign(target.good),
    "its own key in the header": lambda target: STRANGER.sign(target.good, {"jwk": STRANGER.jwk}),
    "its own keys by address": lambda target: STRANGER.sign(
        target.good, {"kid": "x", "jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/x5"}
    ),
    "its own certificate": lambda target: STRANGER.sign(target.good, {"kid": "y", "x5c": [b64(EC.pem)]}),
    "a name that is a path": lambda target: hs256(target.good, b"", {"kid": "../../../dev/null"}),
    "a name that is a list": lambda target: hs256(target.good, SECRET, {"kid": ["ec-1"]}),
    "an empty name": lambda target: EC.sign({**target.good, "iss": "x"}, {"kid": ""}),
    "no name": lambda target: EC.sign(target.good, {"kid": None}),
    "a signature of zeros": lambda target: bare(target, "ES256", b64(bytes(64))),
    "an ES256 key as RS256": lambda target: EC.sign(target.good, {"alg": "RS256"}),
    "an RSA key as PS256": lambda target: RSA.sign(target.good, {"alg": "PS256"}),
    "an EC key as HS256": lambda target: EC.sign(target.good, {"alg": "HS256"}),
    "the name of the other key": lambda target: EC.sign(target.good, {"kid": "rsa-1"}),
    "another project": changed(iss="https://evil.supabase.co/auth/v2"),
    "another scheme": changed(iss="http://project.supabase.co/auth/v1"),
    "an issuer with a slash": changed(iss="https://project.supabase.co/auth/v1/"),
    "a person who is no UUID": changed(sub="demo"),
    "a person in capitals": changed(sub=ADA.upper()),
    "padding": lambda target: target.sign(target.good) + "=",
    "nesting before the signature": lambda target: signing_input(b"{}", b"[" * 5_000) + ".AAAA",
    "a nested header value": lambda target: (
        signing_input(b"{}", b'{"a":' + b"[" * 4_000 + b"]" * 4_000) + ".AAAA"
    ),
    "nesting behind a good signature": lambda target: target.sign(b'{"amr":' + b"[" * 5_000),
    "a token of 9 KB": lambda target: target.sign({**target.good, "pad": "x" * 7_000}),
}


async def test_the_untouched_token_is_good(target: Target) -> None:
    assert await target.outcome(target.sign(target.good)) == ADA


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused(target: Target, attack: str) -> None:
    token = ATTACKS[attack](target)

    assert await target.outcome(token) == "invalid"


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "iss", "aud", "role", "session_id"])
async def test_a_required_claim_cannot_be_left_out(target: Target, claim: str) -> None:
    token = changed(**{claim: None})(target)

    assert await target.outcome(token) == "invalid"


@pytest.mark.parametrize(
    ("shift", "outcome"),
    [
        ({"exp": -60}, "expired"),
        ({"exp": -5}, ADA),
        ({"iat": 60}, "invalid"),
        ({"nbf": 60}, "invalid"),
        ({"nbf": 5}, ADA),
        ({"iat": 60, "exp": -60}, "invalid"),
    ],
)
async def test_time_has_ten_seconds_of_play(target: Target, shift: dict[str, int], outcome: str) -> None:
    now = int(time.time())  # not the target's `iat`: many attacks may lie between
    times = {name: now + seconds for name, seconds in shift.items()}

    assert await target.outcome(changed(**times)(target)) == outcome


@pytest.mark.parametrize(
    "wrong", [{"aud": "anon"}, {"role": "service_role"}, {"sub": "demo"}, {"iss": "https://evil.example"}]
)
async def test_only_a_token_that_was_good_is_called_expired(target: Target, wrong: dict[str, str]) -> None:
    token = changed(**wrong, exp=target.good["iat"] - 60)(target)

    assert await target.outcome(token) == "invalid"


async def test_the_secret_never_stands_in_for_a_published_key(target: Target) -> None:
    if (await target.outcome(EC.sign(target.good))) == ADA:  # the configuration knows the key's name
        assert await target.outcome(hs256(target.good, SECRET, {"kid": "ec-1"})) == "invalid"


patient = effort(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
characters = st.sampled_from("AQgw_-=. \n\0é") | st.characters()


@patient
@given(data=st.data())
async def test_no_change_to_a_good_token_goes_unseen(target: Target, data: st.DataObject) -> None:
    token = target.sign(target.good)
    at = data.draw(st.integers(0, len(token)))
    until = data.draw(st.integers(at, min(len(token), at + 3)) | st.just(len(token)))
    mutated = token[:at] + data.draw(st.text(characters, max_size=4)) + token[until:]
    assume(mutated != token)

    assert await target.outcome(mutated) == "invalid"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
claim_names = st.sampled_from(
    ["sub", "session_id", "role", "aud", "iss", "iat", "exp", "nbf", "email", "phone", "amr", "jti"]
)
header_names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "cty"])


@patient
@given(
    claims=st.dictionaries(claim_names, anything, max_size=3),
    header=st.dictionaries(header_names, anything, max_size=2),
)
async def test_nothing_that_is_rightly_signed_breaks_the_verifier(
    target: Target, claims: dict[str, object], header: dict[str, Any]
) -> None:
    token = target.sign({**target.good, **claims}, header)

    assert await target.outcome(token) in (ADA, "invalid", "expired")
