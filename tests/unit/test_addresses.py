"""Store addresses: what the clients can use passes, and only what nobody can listen to is private."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt import addresses

SCHEMES = ("postgresql", "postgres", "redis", "rediss", "unix")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db/nura",
        "postgres://u:p%40ss@db.example:5432/nura?sslmode=verify-full",
        "postgresql://u@[::1]:5432/nura",
        "postgresql://u@first:5432,second:5433/nura",
        "postgresql://u@/nura?host=/run/pg&port=5433",
        "postgresql://u@%2Frun%2Fpg/nura",
        "redis://:pw@cache:6379/0",
        "rediss://cache",
        "unix:///run/valkey.sock?db=0",
    ],
)
def test_a_usable_address_is_given_back_as_it_is(url: str) -> None:
    assert addresses.require_address(url, *SCHEMES) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db/nura",
        "mysql://db/nura",
        "REDIS://cache",
        "postgresql:///nura",
        "postgresql://u:p@ss@db/nura",
        "postgresql://db:99999/nura",
        "postgresql://db:0/nura",
        "postgresql://db,/nura",
        "postgresql://[::1/nura",
        "postgresql://db/nura?sslmode",
        "postgresql://db/nura#x",
        "postgresql://db/nu ra",
        "redis://",
        "redis://cache:0",
        "redis://one,two",
        "unix://",
    ],
)
def test_an_unusable_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(addresses.AddressError) as caught:
        addresses.require_address(url, *SCHEMES)

    assert not url or url not in str(caught.value)


@given(scheme=st.sampled_from(SCHEMES), tail=st.text(max_size=60))
def test_whatever_passes_can_also_be_judged(scheme: str, tail: str) -> None:
    try:
        url = addresses.require_address(f"{scheme}://{tail}", *SCHEMES)
    except addresses.AddressError:
        url = "unix:///run/valkey.sock"

    assert addresses.is_private(url) in (True, False)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("unix:///run/valkey.sock", True),
        ("rediss://cache", True),
        ("rediss://cache?ssl_cert_reqs=required&ssl_check_hostname=true", True),
        ("rediss://cache?ssl_cert_reqs=none", False),
        ("rediss://cache?ssl_cert_reqs=optional", False),
        ("rediss://cache?ssl_check_hostname=no", False),
        ("rediss://cache?ssl_cert_reqs=required&ssl_cert_reqs=none", False),
        ("redis://cache", False),
        ("redis://127.0.0.1", False),
        ("postgresql://u@/nura?host=/run/pg", True),
        ("postgresql://u@%2Frun%2Fpg/nura", True),
        ("postgresql://u@%2Frun%2Fpg,db/nura", False),
        ("postgresql://u@db/nura?host=/run/pg", False),
        ("postgresql://u@db/nura", False),
        ("postgresql://u@db/nura?sslmode=require", False),
        ("postgresql://u@db/nura?sslmode=verify-ca", False),
        ("postgresql://u@db/nura?sslmode=verify-full", True),
        ("postgresql://u@db/nura?sslmode=verify-full&sslmode=disable", False),
    ],
)
def test_private_means_a_socket_or_tls_that_is_checked(url: str, private: bool) -> None:
    assert addresses.is_private(url) is private


@pytest.mark.parametrize(
    ("host", "verify", "place"),
    [
        ("db.example", True, "@db.example:6543/n%2Fa?sslmode=verify-full"),
        ("db.example", False, "@db.example:6543/n%2Fa"),
        ("::1", False, "@[::1]:6543/n%2Fa"),
        ("10.0.0.7", False, "@10.0.0.7:6543/n%2Fa"),
        ("/run/pg", True, "@/n%2Fa?host=%2Frun%2Fpg&port=6543"),
    ],
)
def test_parts_are_joined_and_quoted(host: str, verify: bool, place: str) -> None:
    url = addresses.join_postgres(
        host=host, port=6543, name="n/a", user="u:r", password="p@s/s? ", verify=verify
    )

    assert url == f"postgresql://u%3Ar:p%40s%2Fs%3F%20{place}"
