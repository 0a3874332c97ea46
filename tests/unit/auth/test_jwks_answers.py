"""What a project's address answers: public signing keys are taken, everything else is an outage or skipped."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwks_server import JwksServer, SigningKey
from nura_rt.auth import jwks
from nura_rt.auth.jwks import LARGEST_BYTES, Jwks, KeysUnavailable

OLD = SigningKey.es256("old")
RSA, EC = SigningKey.rs256("new").jwk, OLD.jwk


@pytest.fixture
def server() -> Iterator[JwksServer]:
    with JwksServer(OLD) as running:
        yield running


@pytest.fixture
async def keys(server: JwksServer) -> AsyncIterator[Jwks]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Jwks(server.keys_url, http)


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "no JSON": {"body": b"<html>oops</html>"},
    "cut JSON": {"body": b'{"keys":['},
    "not UTF-8": {"body": b'{"keys":["\xff"]}'},
    "JSON too deep to read": {"body": b"[" * 60_000},
    "a list": {"body": b"[]"},
    "no keys": {"body": b"{}"},
    "keys that are no list": {"body": b'{"keys":{}}'},
    "nothing": {"body": b""},
    "an error": {"status": 500},
    "a redirect": {"status": 302, "headers": {"Location": "/auth/v1/.well-known/jwks.json"}},
    "too many bytes": {"body": json.dumps({"keys": [OLD.jwk], "pad": "x" * LARGEST_BYTES}).encode()},
    "bytes that are packed": {"headers": {"Content-Encoding": "gzip"}, "body": b"\x1f\x8b\x08"},
    "an impossible header": {"headers": {"Content-Length": "seven"}},
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_an_answer_that_cannot_be_used_is_an_outage(
    server: JwksServer, keys: Jwks, answer: str
) -> None:
    for name, value in BAD_ANSWERS[answer].items():
        setattr(server, name, value)

    with pytest.raises(KeysUnavailable):
        await keys.find("old")

    assert server.fetches == 1


@pytest.mark.parametrize(("delay_s", "gap_s"), [(1.0, 0.0), (0.0, 0.1)], ids=["silent", "dripping"])
async def test_a_server_that_takes_too_long_is_an_outage(
    server: JwksServer, keys: Jwks, monkeypatch: pytest.MonkeyPatch, delay_s: float, gap_s: float
) -> None:
    monkeypatch.setattr(jwks, "TIMEOUT_S", 0.3)
    server.delay_s, server.gap_s = delay_s, gap_s

    with pytest.raises(KeysUnavailable):
        await keys.find("old")


REFUSED_KEYS: dict[str, Any] = {
    "a shared secret": {"kid": "k", "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256"},
    "a private key": {**EC, "kid": "k", "d": "AAAA"},
    "a key for another algorithm": {**EC, "kid": "k", "alg": "HS256"},
    "an RSA key for ES256": {**RSA, "kid": "k", "alg": "ES256"},
    "an EC key for RS256": {**EC, "kid": "k", "alg": "RS256"},
    "a key for RS512": {**RSA, "kid": "k", "alg": "RS512"},
    "a key for encryption": {**EC, "kid": "k", "use": "enc"},
    "a key to sign with": {**EC, "kid": "k", "key_ops": ["sign"]},
    "another curve": {**EC, "kid": "k", "crv": "P-384"},
    "no curve": {name: value for name, value in {**EC, "kid": "k"}.items() if name != "crv"},
    "a point off the curve": {**EC, "kid": "k", "x": EC["y"]},
    "a short RSA key": {"kid": "k", "kty": "RSA", "n": "w" * 171, "e": "AQAB"},
    "a huge RSA key": {"kid": "k", "kty": "RSA", "n": "w" * 8_000, "e": "AQAB"},
    "Edwards": {"kid": "k", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    "no name": {name: value for name, value in EC.items() if name != "kid"},
    "an empty name": {**EC, "kid": ""},
    "a kind that is a list": {**EC, "kid": "k", "kty": ["EC"]},
    "no object": "k",
}  # fmt: skip


@pytest.mark.parametrize("entry", REFUSED_KEYS)
async def test_what_is_no_public_signing_key_is_skipped(server: JwksServer, keys: Jwks, entry: str) -> None:
    server.body = json.dumps({"keys": [REFUSED_KEYS[entry], EC]}).encode()

    found = [await keys.find(kid) for kid in ("k", "", "old")]

    assert [key and key.algorithm for key in found] == [None, None, "ES256"]


async def test_of_two_keys_with_one_name_the_first_counts(server: JwksServer, keys: Jwks) -> None:
    server.body = json.dumps({"keys": [{**RSA, "kid": "same"}, {**EC, "kid": "same"}]}).encode()

    found = await keys.find("same")

    assert found is not None
    assert found.algorithm == "RS256"


values = st.none() | st.integers() | st.text(max_size=60) | st.lists(st.text(max_size=5), max_size=2)


@given(changed=st.dictionaries(st.sampled_from(sorted({*EC, *RSA} - {"kid"})), values, min_size=1))
def test_no_jwk_breaks_the_reader(changed: dict[str, object]) -> None:
    for whole in (EC, RSA):
        read = jwks._read_key({**whole, **changed})

        assert read is None or read[0] == whole["kid"]
