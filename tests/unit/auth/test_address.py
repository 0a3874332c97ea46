"""Whose address a request has: as far as trusted proxies vouch for it, and not one step further."""

from ipaddress import ip_network
from typing import Any

import pytest

from nura_rt.auth.address import address_of, prefix_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def scope(peer: str | None, *forwarded: bytes) -> dict[str, Any]:
    headers = [(b"host", b"h"), *((b"x-forwarded-for", line) for line in forwarded)]
    return {"client": (peer, 1234) if peer is not None else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", [b"198.51.100.1"], "203.0.113.7"),  # a stranger may write what they like
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # 1.2.3.4 is what that stranger wrote
        ("10.0.0.1", [b"198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", [b"198.51.100.1", b"10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", [b"1.2.3.4", b"198.51.100.1 ,10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", [b"10.2.2.2, 10.1.1.1"], "10.2.2.2"),
        ("10.0.0.1", [b"unknown"], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1, "], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1, nonsense, 10.9.9.9"], "10.0.0.1"),
        ("10.0.0.1", [b"nonsense, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"\xff\xfe"], "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4.5"], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.1:443"], "198.51.100.1"),
        ("fd00::1", [b"2001:db8::7"], "2001:db8::7"),
        ("fd00::1", [b"[2001:db8::7]:443"], "2001:db8::7"),
        ("fd00::1", [b"[2001:db8::7]"], "2001:db8::7"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("::ffff:10.0.0.1", [b"::ffff:198.51.100.1"], "198.51.100.1"),
        ("2001:DB8:0::7", [], "2001:db8::7"),
        (None, [b"198.51.100.1"], "local"),
        ("", [], "local"),
        ("testclient", [b"198.51.100.1"], "testclient"),
    ],
)
def test_an_address_is_as_true_as_who_wrote_it(
    peer: str | None, forwarded: list[bytes], address: str
) -> None:
    assert address_of(scope(peer, *forwarded), TRUSTED) == address


def test_nobody_is_trusted_by_default() -> None:
    assert address_of(scope("10.0.0.1", b"198.51.100.1"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:56ff:1:2:3:4", "2001:db8:1234:5600::/56"),
        ("2001:db8::", "2001:db8::/56"),
        ("local", "local"),
        ("nonsense", "local"),
    ],
)
def test_a_prefix_forgets_who_it_was(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix
