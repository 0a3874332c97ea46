"""Store addresses: is one well formed, can anybody on the way read it. They are read as the clients do."""

import re
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit


class AddressError(ValueError):
    """Not an address asyncpg or redis-py can use. It may hold a password, so the text is not told."""


def require_address(text: str, *schemes: str) -> str:
    """`text` itself where one of the clients can use it; AddressError where not."""
    try:
        usable = _is_usable(text, schemes)
    except ValueError:
        usable = False
    if not usable:
        raise AddressError("not a usable store address")
    return text


def is_private(url: str) -> bool:
    """True where nobody on the way can read: a unix socket, or TLS with certificate and name checked."""
    options = _options(url)
    if url.startswith(("unix://", "https://")):
        return True
    if url.startswith("http://"):
        return False
    if url.startswith("redis"):
        checks = options.get("ssl_cert_reqs", []) + options.get("ssl_check_hostname", [])
        return url.startswith("rediss://") and all(check.lower() in ("required", "true") for check in checks)
    sockets = all(host.startswith("/") for host in _hosts(url))
    return sockets or set(options.get("sslmode", [])) == {"verify-full"}


def join_postgres(*, host: str, port: int, name: str, user: str, password: str, verify: bool) -> str:
    """A PostgreSQL URL of plain parts, quoted; a `host` that begins with / is a socket folder."""
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    if host.startswith("/"):
        return f"postgresql://{account}@/{quote(name, safe='')}?{urlencode({'host': host, 'port': port})}"
    place = f"[{host}]" if ":" in host else host
    tail = "?sslmode=verify-full" if verify else ""
    return require_address(
        f"postgresql://{account}@{place}:{port}/{quote(name, safe='')}{tail}", "postgresql"
    )


def _is_usable(text: str, schemes: tuple[str, ...]) -> bool:
    url = urlsplit(text)
    _options(text)  # ValueError for a malformed query
    # one @ at most: asyncpg splits at the first, urlsplit at the last
    if not re.fullmatch(r"[!-~]+", text) or url.fragment or url.netloc.count("@") > 1:
        return False
    if not text.startswith(tuple(f"{name}://" for name in schemes)):
        return False
    if url.scheme == "unix":
        return url.path.strip("/") != ""
    one = "," not in url.netloc and url.hostname is not None
    return all(map(_is_host, _hosts(text))) and (one or url.scheme.startswith("postgres"))


def _options(url: str) -> dict[str, list[str]]:
    query = urlsplit(url).query
    return parse_qs(query, strict_parsing=True) if query else {}


def _hosts(url: str) -> list[str]:
    """`host:port` items of the address, else those of its `?host=`."""
    named = urlsplit(url).netloc.rpartition("@")[2] or _options(url).get("host", [""])[-1]
    return [unquote(host) for host in named.split(",")]


def _is_host(host: str) -> bool:
    if host.startswith("/"):
        return True
    found = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::([0-9]{1,5}))?", host, re.ASCII)
    return found is not None and (found[1] is None or 0 < int(found[1]) < 65_536)
