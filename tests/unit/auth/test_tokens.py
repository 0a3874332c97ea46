"""Tokens: what we or Supabase signed is read, everything else is refused, whatever its bytes."""

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.auth.tokens import LEEWAY_S, TokenError, Tokens

SECRET = "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg"
OTHER = "another-secret-of-32-bytes-or-more"
NOW = 1_800_000_000
ADA = "8c5f6f0e-54c4-4f0e-9c55-3f3d1f6f2a11"
PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
JWK = '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9"}'
SUPABASE = "https://project.supabase.co/auth/v1"
GOOD: dict[str, Any] = {
    "iss": "nura-rt",
    "aud": "authenticated",
    "role": "authenticated",
    "sub": ADA,
    "session_id": "2b1f9a70-0000-4000-8000-000000000001",
    "email": "ada@example.org",
    "iat": NOW,
    "exp": NOW + 3600,
}
tokens = Tokens(SECRET, ttl_s=600, clock=lambda: NOW)


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(
    claims: object, header: dict[str, Any] | None = None, *, key: str = SECRET, digest: str = "sha256"
) -> str:
    """Any token at all, correctly signed with `key`: an attacker uses no library that says no."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', **(header or {})})}.{part(claims)}"
    return f"{signed}.{part(hmac.new(key.encode(), signed.encode(), digest).digest())}"


def refusal(token: str, at: float = NOW) -> str:
    with pytest.raises(TokenError) as caught:
        Tokens(SECRET, ttl_s=600, clock=lambda: at).verify(token)
    return caught.value.slug


def test_what_is_issued_is_read_back() -> None:
    identity = tokens.verify(tokens.issue(ADA, email="ada@example.org"))

    assert (identity.user_id, identity.email, identity.expires_at) == (ADA, "ada@example.org", NOW + 600)


def test_every_token_is_a_session_of_its_own() -> None:
    first, second = (tokens.verify(tokens.issue(ADA)) for _ in range(2))

    assert first.session_id != second.session_id
    assert first.email is None


def test_a_token_for_a_known_session_says_when_its_password_was_given() -> None:
    identity = tokens.verify(tokens.issue(ADA, session_id="s-1", signed_in_at=NOW - 60.5))

    assert (identity.session_id, identity.signed_in_at) == ("s-1", NOW - 61)
    assert (identity.issued_at, identity.source) == (NOW, "local")


def test_supabase_tokens_of_the_same_secret_are_read_where_that_is_wanted() -> None:
    token = forge({**GOOD, "iss": SUPABASE, "user_metadata": {"role": "admin"}, "aal": "aal1", "phone": ""})

    identity = tokens.verify(token, supabase_too=True)

    assert (identity.user_id, identity.session_id) == (ADA, GOOD["session_id"])
    assert (identity.source, identity.phone) == ("supabase", None)
    assert refusal(token) == "invalid"


@pytest.mark.parametrize(
    ("amr", "signed_in_at"),
    [
        ([{"method": "password", "timestamp": NOW - 9}], NOW - 9),
        ([{"method": "otp", "timestamp": NOW - 9}, {"method": "totp", "timestamp": NOW - 5}], NOW - 5),
        ([{"method": "totp", "timestamp": NOW - 5}, {"method": "password", "timestamp": NOW - 9}], NOW - 5),
        ([{"method": "token_refresh", "timestamp": NOW}, {"timestamp": NOW - 9}], NOW - 9),
        ([{"method": "password", "timestamp": NOW + 900}], None),
        ([{"timestamp": "now"}, {"timestamp": True}, {"timestamp": -1}, {"timestamp": None}], None),
        (["pwd", "mfa", 7, None, []], None),
        ([], None),
        ("pwd", None),
        ({"timestamp": NOW}, None),
    ],
)
def test_the_newest_sign_in_is_read_from_what_was_done(amr: object, signed_in_at: float | None) -> None:
    assert tokens.verify(forge({**GOOD, "amr": amr})).signed_in_at == signed_in_at


@pytest.mark.parametrize("claim", ["email_confirmed_at", "phone_confirmed_at"])
@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (NOW, NOW),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T09:00:00.5+01:00", NOW + 0.5),
        ("2027-01-15 08:00:00", NOW),
        ("", None),
        ("yes", None),
        ("0001-01-01", None),
        (-1, None),
        (1e300, None),
        (None, None),
    ],
)
def test_a_confirmation_is_a_time_or_nothing(claim: str, value: object, moment: float | None) -> None:
    assert getattr(tokens.verify(forge({**GOOD, claim: value})), claim) == moment


@pytest.mark.parametrize("claim", ["email", "phone"])
@pytest.mark.parametrize("value", ["nul\0@example.org", "x" * 321, "", None])
def test_an_address_no_database_could_keep_is_none(claim: str, value: object) -> None:
    assert getattr(tokens.verify(forge({**GOOD, claim: value})), claim) is None


def test_an_identity_does_not_print_addresses() -> None:
    identity = tokens.verify(forge({**GOOD, "phone": "15550100"}))

    assert identity.phone == "15550100"
    assert "ada@" not in repr(identity)
    assert "1555" not in repr(identity)


ATTACKS = {
    "signed with a public key in PEM": forge(GOOD, key=PEM),
    "signed with a public key as JWK": forge(GOOD, key=JWK),
    "bringing its own key": forge(GOOD, {"jwk": json.loads(JWK)}, key=OTHER),
    "pointing at its own keys": forge(GOOD, {"jku": "https://evil.example/jwks.json", "kid": "1"}, key=JWK),
    "saying it needs no signature": f"{part({'alg': 'none'})}.{part(GOOD)}.",
    "saying so in capitals": f"{part({'alg': 'NONE'})}.{part(GOOD)}.",
    "with an unknown critical header": forge(GOOD, {"crit": ["x-new"], "x-new": 1}),
    "of the service role": forge({**GOOD, "role": "service_role"}),
    "like a legacy service key": forge({"iss": "supabase", "role": "anon", "iat": NOW, "exp": NOW + 99}),
    "for the anonymous audience": forge({**GOOD, "aud": "anon"}),
    "of the anonymous role": forge({**GOOD, "role": "anon"}),
    "with another HMAC": forge(GOOD, {"alg": "HS512"}, digest="sha512"),
    "claiming an asymmetric algorithm": forge(GOOD, {"alg": "ES256"}),
    "with an algorithm that is no text": forge(GOOD, {"alg": ["HS256"]}),
    "with a detached payload": forge(GOOD, {"b64": False, "crit": ["b64"]}),
    "signed with another secret": forge(GOOD, key=OTHER),
    "with a changed payload": forge(GOOD).replace(part(GOOD), part({**GOOD, "sub": GOOD["session_id"]})),
    "without a signature": forge(GOOD).rpartition(".")[0] + ".",
    "too large": forge({**GOOD, "pad": "x" * 9_000}),
    "deeply nested before its signature": f"{part(b'[' * 5_000)}.e30.AAAA",
    "with a number of many digits": part(b'{"alg":' + b"9" * 5_000 + b"}") + ".e30.AAAA",
    "with an empty list of critical headers": forge(GOOD, {"crit": []}),
    "padded": forge(GOOD) + "=",
    "with a space": forge(GOOD) + " ",
    "with a line end": forge(GOOD) + "\n",
    "with a fourth part": forge(GOOD) + ".e30",
    "not ASCII": forge(GOOD) + "\u00e9",
    "half a surrogate pair": forge(GOOD) + "\ud800",
    "empty": "",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(attack: str) -> None:
    assert refusal(ATTACKS[attack]) == "invalid"


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "aud", "role", "session_id", "iss"])
def test_a_token_without_a_required_claim_is_refused(claim: str) -> None:
    assert refusal(forge({name: value for name, value in GOOD.items() if name != claim})) == "invalid"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", "demo"),
        ("sub", ADA.upper()),
        ("sub", ADA.replace("-", "")),
        ("sub", 7),
        ("session_id", ""),
        ("session_id", "a b"),
        ("session_id", "a\n"),
        ("iss", "https://evil.example/"),
        ("iss", SUPABASE),
        ("aud", ["authenticated", "anon"]),
        ("aud", []),
        ("iss", None),
        ("exp", None),
        ("exp", str(NOW + 60)),
        ("exp", float("inf")),
        ("exp", float("nan")),
        ("exp", True),
        ("exp", -1),
        ("exp", 1e12),
        ("exp", 10**400),
        ("iat", NOW + LEEWAY_S + 1),
        ("nbf", NOW + LEEWAY_S + 1),
        ("nbf", float("nan")),
        ("email", 5),
        ("phone", ["15550100"]),
        ("email_confirmed_at", True),
    ],
)
def test_a_claim_of_the_wrong_kind_is_refused(claim: str, value: object) -> None:
    assert refusal(forge({**GOOD, claim: value})) == "invalid"


def test_expiry_is_told_apart_and_given_ten_seconds() -> None:
    token = forge({**GOOD, "exp": NOW})

    assert Tokens(SECRET, ttl_s=600, clock=lambda: NOW + LEEWAY_S - 0.1).verify(token).expires_at == NOW
    assert refusal(token, at=NOW + LEEWAY_S) == "expired"


def test_a_wrong_token_is_invalid_even_when_it_also_expired() -> None:
    assert refusal(forge({**GOOD, "exp": NOW - 99, "sub": "demo"})) == "invalid"
    assert refusal(forge({**GOOD, "exp": NOW - 99}, key=OTHER)) == "invalid"


@pytest.mark.parametrize("secret", ["", "a-secret-of-16-b", PEM])
def test_a_weak_secret_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(secret, ttl_s=600)


@given(token=st.text(max_size=300) | st.from_regex(r"\A[\w-]{0,80}\.[\w-]{0,80}\.[\w-]{0,60}\Z"))
def test_no_text_at_all_breaks_the_reader(token: str) -> None:
    assert refusal(token) == "invalid"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(
    claims=json_values,
    header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64"]), json_values),
)
def test_no_json_that_is_signed_breaks_the_reader(claims: object, header: dict[str, object]) -> None:
    assert refusal(forge(claims, header)) == "invalid"


@given(changed=st.dictionaries(st.sampled_from(sorted(GOOD)), json_values, min_size=1))
def test_no_claim_value_breaks_the_reader(changed: dict[str, object]) -> None:
    try:
        outcome = tokens.verify(forge({**GOOD, **changed})).user_id
    except TokenError as error:
        outcome = error.slug

    assert outcome in (ADA, "invalid", "expired")
