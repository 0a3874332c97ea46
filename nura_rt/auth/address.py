"""Where a request comes from. X-Forwarded-For is believed only as far as trusted proxies wrote it."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from nura_rt.variables import Network

Address = IPv4Address | IPv6Address

NOWHERE = "local"  # a unix socket has no address


def address_of(scope: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """The address of whoever sent this ASGI request, as text; "local" for a unix socket.

    Behind trusted proxies: the right-most of X-Forwarded-For that is none of them, else the left-most.
    Where that header holds garbage, the peer.
    """
    client = scope.get("client")
    peer = _parsed(client[0]) if client else None
    if peer is None:
        return str(client[0])[:64] if client and client[0] else NOWHERE
    found = peer
    for entry in _forwarded(scope):
        if not _is_in(found, trusted):
            break
        hop = _parsed(entry)
        if hop is None:
            return _spoken(peer)
        found = hop
    return _spoken(found)


def prefix_of(address: str) -> str:
    """The network an address is in, /24 or for IPv6 /56: enough to recognise, too little to find someone."""
    parsed = _parsed(address)
    if parsed is None:
        return NOWHERE
    return str(ip_network((int(parsed), 24 if parsed.version == 4 else 56), strict=False))


def _forwarded(scope: Mapping[str, Any]) -> list[str]:
    """The entries of X-Forwarded-For, the last one written first."""
    lines = [
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"
    ]
    return [entry.strip() for line in reversed(lines) for entry in reversed(line.split(","))]


def _parsed(text: str) -> Address | None:
    """An address with or without brackets and a port (some proxies write it); None for anything else."""
    host, bracket, _ = text.removeprefix("[").partition("]")
    if not bracket and text.count(":") == 1:  # an IPv6 address has two or more
        host = text.partition(":")[0]
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _spoken(address: Address) -> str:
    return str(address)
