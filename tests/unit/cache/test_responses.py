"""The table of what is kept, and what makes two requests the same one."""

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar._parsers import parse_query_string
from redis.asyncio import Redis

from nura_rt.cache.responses import ENDPOINTS, GENERATION_TTL_S, ResponseCache, request_hash
from nura_rt.telemetry import Counters

ONE = ("v1", "ada", "authenticated", "/v1/me", b"a=1&b=2")


def test_the_table_names_the_keys_and_a_generation_outlives_every_entry() -> None:
    for name, kept in ENDPOINTS.items():
        assert kept.endpoint == name
        assert re.fullmatch(r"[a-z_]+:[a-z_]+", f"{kept.service}:{kept.endpoint}")
        assert 0 < kept.ttl_s < GENERATION_TTL_S
        Counters().add(f"cache_hits_{name}")  # a name the counters take


@pytest.mark.parametrize(
    "other",
    [
        ("v2", "ada", "authenticated", "/v1/me", b"a=1&b=2"),
        ("v1", "bob", "authenticated", "/v1/me", b"a=1&b=2"),
        ("v1", "ada", "care", "/v1/me", b"a=1&b=2"),
        ("v1", "ada", "authenticated", "/v1/me/", b"a=1&b=2"),
        ("v1", "ada", "authenticated", "/v1/me", b""),
        ("v1", "ada", "authenticated", "/v1/me", b"a=1&b=3"),
        ("v1", "ada", "authenticated", "/v1/me", b"a=1&b=2&b=2"),
        ("v1", "ada", "authenticated", "/v1/me", b"a=1b=2"),
        ("v1", "ad", "aauthenticated", "/v1/me", b"a=1&b=2"),
        ("v1", "ada", "authenticated/v1", "/me", b"a=1&b=2"),
        ("v1a", "da", "authenticated", "/v1/me", b"a=1&b=2"),
    ],
)
def test_another_server_person_role_path_or_query_is_another_request(other: tuple[Any, ...]) -> None:
    assert request_hash(*other) != request_hash(*ONE)


@pytest.mark.parametrize(
    ("query", "other", "same"),
    [
        (b"a=1&b=2", b"b=2&a=1", True),
        (b"a=1&&b=2", b"&a=1&b=2&", True),
        (b"a=1&a=2", b"a=2&a=1", False),
        (b"a=1&%61=2", b"%61=2&a=1", False),  # one name, spelt twice
        (b"a=1&a+=2", b"a%20=2&a=1", False),
        (b"a=%C3%A9", b"a=\xc3\xa9", False),  # the framework reads these two differently
        (b"a=%FF", b"a=%FE", False),
        (b"a", b"a=", False),
    ],
)
def test_the_order_of_names_does_not_matter_and_all_else_does(query: bytes, other: bytes, same: bool) -> None:
    assert (request_hash(*ONE[:4], query) == request_hash(*ONE[:4], other)) is same


FIELD = st.sampled_from([b"a", b"%61", b"b", b"a=1", b"%61=1", b"a=2", b"b=%31", b"b=1", b"=", b"", b"a=1=2"])
QUERY = st.lists(FIELD, max_size=5).map(b"&".join)


def values(query: bytes) -> dict[str, list[str]]:
    """What a route sees, by the framework's own parser."""
    seen: dict[str, list[str]] = {}
    for name, value in parse_query_string(query):
        seen.setdefault(name, []).append(value)
    return seen


@given(QUERY, QUERY)
def test_queries_of_one_hash_mean_the_same_to_the_framework(query: bytes, other: bytes) -> None:
    if request_hash(*ONE[:4], query) == request_hash(*ONE[:4], other):
        assert values(query) == values(other)


def test_the_hash_is_sha_256() -> None:
    assert len(request_hash(*ONE)) == hashlib.sha256().digest_size


async def test_what_is_sealed_must_be_unsealed() -> None:
    async def seal(_: str, content: bytes) -> bytes:
        return content

    with pytest.raises(ValueError, match="unsealed"):
        ResponseCache(Redis(), Counters(), version="1", seal=seal)
