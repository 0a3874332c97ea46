"""The table of settings: each variable's name, default, kind of value and one line of help. Reads nothing."""

import base64
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import msgspec

from nura_rt import addresses

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A variable breaks its rule: `variable` is its name, `rule` what it must be; never the value."""

    def __init__(self, variable: str, rule: str) -> None:
        super().__init__(f"{variable}: {rule}")
        self.variable = variable
        self.rule = rule


class Kind(msgspec.Struct, frozen=True):
    """How a variable is read: `parse` raises ValueError where `rule` is broken."""

    rule: str
    parse: Callable[[str], Any]
    strip: bool = True


class Variable(msgspec.Struct, frozen=True):
    """One row of the table; an empty `default` means unset."""

    name: str
    default: str
    kind: Kind
    help: str

    @property
    def field(self) -> str:
        """Its name in Settings or Limits."""
        return re.sub(r"^(NURA|SUPABASE|LIMIT)_", "", self.name).lower()

    def read(self, given: Mapping[str, str]) -> Any:
        """The typed value, None where unset; SettingsError names this variable."""
        text = given.get(self.name, "")
        text = self.default if not text.strip() else text.strip() if self.kind.strip else text
        try:
            _require(text, b"\0" not in text.encode())
            return self.kind.parse(text) if text else None
        except ValueError:
            raise SettingsError(self.name, f"must be {self.kind.rule}") from None


def _require(text: str, ok: object) -> str:
    if not ok:
        raise ValueError
    return text


def _matching(pattern: str, rule: str, *, strip: bool = True) -> Kind:
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)
    return Kind(rule, lambda text: _require(text, compiled.fullmatch(text)), strip)


def _number(low: float, high: float, *, whole: bool = True) -> Kind:
    def parse(text: str) -> float:
        _require(text, re.fullmatch(r"[0-9]{1,12}" if whole else r"[0-9]{1,12}(\.[0-9]{1,6})?", text))
        number = int(text) if whole else float(text)
        _require(text, low <= number <= high)
        return number

    return Kind(f"a {'whole ' if whole else ''}number from {low} to {high}", parse)


def _one_of(*choices: str) -> Kind:
    return Kind(f"one of: {', '.join(choices)}", lambda text: choices[choices.index(text.lower())])


def _parse_path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError from None


def _parse_origins(text: str) -> tuple[str, ...]:
    origins = [item.strip().lower() for item in text.split(",")]
    form = r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?"
    _require(text, all(re.fullmatch(form, origin) for origin in origins))
    # browsers leave the default port out of Origin
    return tuple(re.sub(r"^(http://.*):80$|^(https://.*):443$", r"\1\2", origin) for origin in origins)


def _parse_web(text: str) -> str:
    _require(
        text, re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-~]*)?", text)
    )
    return text.rstrip("/")


def _parse_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    _require(text, len(key) == 32)
    return key


def _parse_hook_secret(text: str) -> bytes:
    """Standard Webhooks: `v1,whsec_` and base64, as Supabase shows it."""
    key = base64.b64decode(text.removeprefix("v1,").removeprefix("whsec_"), validate=True)
    _require(text, 24 <= len(key) <= 64)
    return key


def _parse_networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item.strip()) for item in text.split(","))


_PATH = Kind("a path", _parse_path)
_WEB = Kind("http://host or https://host, maybe with a port and a path", _parse_web)
_KEK = Kind("32 bytes in base64", _parse_key)
_HOOK = Kind("v1,whsec_ and 24 to 64 bytes in base64", _parse_hook_secret)
_NETWORKS = Kind("a comma list of addresses or networks", _parse_networks)
_LEVEL = _one_of("debug", "info", "warning", "error")
_HOST = _matching(r"[\w.:-]+", "a host name or an address")
DB_HOST = _matching(r"[\w.-]+|[0-9A-Fa-f:.]+|/[!-~]+", "a host name, an address or a socket folder")
_POSTGRES = Kind(
    "postgresql://user:password@host:port/name, percent-quoted",
    lambda text: addresses.require_address(text, "postgresql", "postgres"),
)
_REDIS = Kind(
    "redis://host, rediss://host or unix:///path",
    lambda text: addresses.require_address(text, "redis", "rediss", "unix"),
)
_NAME = _matching(r"[!-~]{1,200}", "1 to 200 visible ASCII characters")
_PASSWORD = _matching(r".{1,1000}", "1 to 1000 characters", strip=False)
_SECRET = Kind("at least 32 bytes", lambda text: _require(text, len(text.encode()) >= 32))
_ORIGINS = Kind("a comma list of scheme://host or scheme://host:port", _parse_origins)
_FLAG = Kind("true or false", lambda text: ("false", "true").index(text.lower()) == 1)
_SWITCH = Kind("on or off", lambda text: ("off", "on").index(text.lower()) == 1)
_SECONDS = _number(0.05, 3_600, whole=False)
_COUNT = _number(1, 1_000_000)
_BYTES = _number(256, 16_777_216)
_PACE = _number(0, 5, whole=False)
_PORT = _number(1, 65_535)
_POOL = _number(1, 30)

GENERAL = (
    Variable("NURA_ENV", "development", _one_of("development", "production"), "production is strict"),
    Variable("NURA_DATA_DIR", ".nura", _PATH, "where embedded stores live"),
    Variable("NURA_HOST", "127.0.0.1", _HOST, "address to listen on"),
    Variable("NURA_PORT", "8000", _PORT, "port to listen on"),
    Variable(
        "PUBLIC_URL", "", _WEB, "where people reach the page, for links in mails; unset: http://host:port"
    ),
    Variable("ALLOWED_ORIGINS", "", _ORIGINS, "pages that may connect; unset: our own on loopback"),
    Variable("TRUSTED_PROXIES", "", _NETWORKS, "whose X-Forwarded-For is believed; unset: nobody's"),
    Variable("LOG_LEVEL", "info", _LEVEL, "least level that is logged: debug, info, warning or error"),
    Variable("COMPANION_PACE_S", "0.03", _PACE, "the offline companion's pause"),
    Variable("HEARTBEAT_S", "20", _SECONDS, "seconds between heartbeats"),
    Variable("PING_INTERVAL_S", "20", _SECONDS, "seconds between WebSocket pings"),
    Variable("WS_DEFLATE", "off", _SWITCH, "on: compress each message alone, for slow links; costs memory"),
    Variable("PING_TIMEOUT_S", "20", _SECONDS, "seconds after which an unanswered ping frees the client"),
)
STORES = (
    Variable("SUPABASE_DATABASE_URL", "", _POSTGRES, "PostgreSQL; unset: the parts, else embedded"),
    Variable("SUPABASE_READ_DATABASE_URL", "", _POSTGRES, "a read replica for history; unset: none"),
    Variable("REDIS_URL", "", _REDIS, "Redis or Valkey; unset: embedded"),
    Variable("REDIS_CACHE_URL", "", _REDIS, "another one for caches alone; unset: REDIS_URL"),
    Variable("CHROMA_URL", "", _WEB, "a Chroma server (its client comes with the memory part)"),
    Variable("ALLOW_PLAINTEXT_STORES", "false", _FLAG, "let production reach stores without TLS"),
    Variable("DB_POOL_MIN", "10", _POOL, "database connections kept open"),
    Variable("DB_POOL_MAX", "20", _POOL, "database connections at most"),
    Variable("DB_POOLER", "session", _one_of("session", "transaction"), "transaction: behind such a pooler"),
    Variable("READ_MAX_LAG_S", "5", _SECONDS, "a replica further behind is not read"),
    Variable("NURA_KEK_FILE", "", _PATH, "file with the key that wraps people's keys; unset: NURA_KEK"),
    Variable("NURA_KEK", "", _KEK, "the same key itself; unset: made in NURA_DATA_DIR (development)"),
    Variable(
        "PII_DETECTOR", "none", _one_of("none", "presidio", "gliner"), "a second look before words are kept"
    ),
    Variable("PII_DETECTOR_MODEL", "", _NAME, "its model: spaCy's by name (presidio), a folder (gliner)"),
)
IDENTITY = (
    Variable("AUTH_MODE", "local", _one_of("local", "supabase"), "who signs people in"),
    Variable("SUPABASE_URL", "", _WEB, "the project; its JWKS verify tokens (ES256, RS256)"),
    Variable("SUPABASE_JWT_SECRET", "", _SECRET, "signs tokens (HS256); unset: made on first run"),
    Variable("SUPABASE_AUTH_HOOK_SECRET", "", _HOOK, "signs Supabase's auth webhooks; unset: none are taken"),
    Variable("TOKEN_TTL_S", "3600", _number(60, 604_800), "life of a token made here, in seconds"),
    Variable(
        "REFRESH_TTL_S", "2592000", _number(300, 31_536_000), "seconds after which an unused sign-in ends"
    ),
    Variable("RECENT_SIGN_IN_S", "900", _number(60, 86_400), "what is dangerous needs a sign-in this young"),
)
PARTS = (
    Variable("SUPABASE_DB_HOST", "", DB_HOST, "host, for those who have no URL but its parts"),
    Variable("SUPABASE_DB_PORT", "", _PORT, "port; unset: 5432"),
    Variable("SUPABASE_DB_NAME", "", _NAME, "name of the database"),
    Variable("SUPABASE_DB_USER", "", _NAME, "user"),
    Variable("SUPABASE_DB_PASSWORD", "", _PASSWORD, "password, written as it is: quoting is done here"),
)
LIMITS = (
    Variable("LIMIT_FRAME_BYTES", "65536", _BYTES, "largest frame a client may send"),
    Variable("LIMIT_HELLO_BYTES", "4096", _BYTES, "largest frame before the hello is accepted"),
    Variable("HELLO_TIMEOUT_S", "5", _SECONDS, "seconds in which the hello must come"),
    Variable("LIMIT_TEXT_CHARS", "8000", _number(1, 100_000), "code points in one message"),
    Variable("LIMIT_UNACKED", "32", _COUNT, "unacknowledged sends; then reading pauses"),
    Variable("LIMIT_SUBSCRIPTIONS", "200", _COUNT, "channels one connection may join"),
    Variable("LIMIT_SEND_BUFFER_BYTES", "65536", _BYTES, "unsent: shed ephemeral frames above"),
    Variable("LIMIT_SEND_BUFFER_HARD_BYTES", "1048576", _BYTES, "unsent: close 4408 above"),
    Variable("LIMIT_MESSAGES_PER_S", "5", _number(0.01, 100_000, whole=False), "steady rate of sends"),
    Variable("LIMIT_MESSAGE_BURST", "20", _COUNT, "sends at once"),
    Variable("LIMIT_FRAMES_PER_S", "20", _number(0.01, 100_000, whole=False), "steady rate of other frames"),
    Variable("LIMIT_FRAME_BURST", "200", _COUNT, "other frames at once"),
    Variable(
        "LIMIT_CONNECTIONS_PER_PERSON", "20", _COUNT, "open connections; beyond it the oldest is closed"
    ),
    Variable(
        "LIMIT_PERSON_MESSAGES_PER_S",
        "10",
        _number(0.01, 100_000, whole=False),
        "steady rate of sends of one person, all together",
    ),
    Variable("LIMIT_PERSON_MESSAGE_BURST", "40", _COUNT, "sends of one person at once, all together"),
    Variable(
        "LIMIT_HANDSHAKES_PER_S",
        "10",
        _number(0.01, 100_000, whole=False),
        "steady rate of new connections from one address",
    ),
    Variable("LIMIT_HANDSHAKE_BURST", "100", _COUNT, "new connections at once from one address"),
    Variable("LIMIT_WRITER_QUEUE", "2000", _COUNT, "messages awaiting a commit; beyond it: busy"),
    Variable("LIMIT_REPLAY", "500", _COUNT, "messages in one replay"),
)
ROLES = ("owner", "app", "door", "writer", "worker", "auth", "care", "erasure", "metrics", "import")
DSNS = tuple(
    Variable(
        f"NURA_DSN_{role.upper()}", "", _POSTGRES, f"another login for nura_{role}; unset: the one above"
    )
    for role in ROLES
)
VARIABLES = GENERAL + STORES + PARTS + DSNS + IDENTITY + LIMITS
RESERVED = frozenset({"NURA_MODEL"})  # a documented name whose part is not built yet
ORDERED = (
    ("DB_POOL_MIN", "DB_POOL_MAX"),
    ("LIMIT_HELLO_BYTES", "LIMIT_FRAME_BYTES"),
    ("LIMIT_SEND_BUFFER_BYTES", "LIMIT_SEND_BUFFER_HARD_BYTES"),
)
# Printed in public guides; whoever knows one can sign in as anybody.
KNOWN_SECRETS = re.compile(r"super-secret-jwt-token|change-?me|replace-?me|your-(jwt-)?secret", re.IGNORECASE)
