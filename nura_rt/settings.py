"""Environment -> frozen Settings, by one table. The only reader of the environment; errors hold no value."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from nura_rt import addresses
from nura_rt import dotenv as env_file

GENERATED_SECRET_PREFIX = "nura-development-"  # noqa: S105 - marks what auth/secret.py made; production refuses it


class SettingsError(Exception):
    """A variable breaks its rule: `variable` is its name, `rule` what it must be; never the value."""

    def __init__(self, variable: str, rule: str) -> None:
        super().__init__(f"{variable}: {rule}")
        self.variable = variable
        self.rule = rule


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may ask of one instance: bytes, code points, counts, seconds."""

    frame_bytes: int = 65_536
    hello_bytes: int = 4_096
    hello_timeout_s: float = 5
    text_chars: int = 8_000
    unacked: int = 32
    subscriptions: int = 200
    send_buffer_bytes: int = 65_536
    send_buffer_hard_bytes: int = 1_048_576
    messages_per_s: float = 5
    message_burst: int = 20
    frames_per_s: float = 20
    frame_burst: int = 200
    writer_queue: int = 2_000
    replay: int = 500


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the server was told. None for a store means: run the embedded one."""

    env: Literal["development", "production"]
    data_dir: Path
    host: str
    port: int
    database_url: str | None
    redis_url: str | None
    allow_plaintext_stores: bool
    db_pool_min: int
    db_pool_max: int
    auth_mode: Literal["local", "supabase"]
    jwt_secret: str | None
    token_ttl_s: int
    allowed_origins: tuple[str, ...]
    log_level: Literal["debug", "info", "warning", "error"]
    companion_pace_s: float
    heartbeat_s: float
    ping_interval_s: float
    ping_timeout_s: float
    limits: Limits

    def __repr__(self) -> str:
        return f"Settings(env={self.env!r}, ...)"  # a traceback or a failed test must not print secrets


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


_LEVEL = _one_of("debug", "info", "warning", "error")
_HOST = _matching(r"[\w.:-]+", "a host name or an address")
_DB_HOST = _matching(r"[\w.-]+|[0-9A-Fa-f:.]+|/[!-~]+", "a host name, an address or a socket folder")
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
_SECONDS = _number(0.05, 3_600, whole=False)
_COUNT = _number(1, 1_000_000)
_BYTES = _number(256, 16_777_216)
_PACE = _number(0, 5, whole=False)
_PORT = _number(1, 65_535)
_POOL = _number(1, 30)

GENERAL = (
    Variable("NURA_ENV", "development", _one_of("development", "production"), "production is strict"),
    Variable("NURA_DATA_DIR", ".nura", Kind("a path", _parse_path), "where embedded stores live"),
    Variable("NURA_HOST", "127.0.0.1", _HOST, "address to listen on"),
    Variable("NURA_PORT", "8000", _PORT, "port to listen on"),
    Variable("SUPABASE_DATABASE_URL", "", _POSTGRES, "PostgreSQL; unset: the parts, else embedded"),
    Variable("REDIS_URL", "", _REDIS, "Redis or Valkey; unset: embedded"),
    Variable("ALLOW_PLAINTEXT_STORES", "false", _FLAG, "let production reach stores without TLS"),
    Variable("DB_POOL_MIN", "10", _POOL, "database connections kept open"),
    Variable("DB_POOL_MAX", "20", _POOL, "database connections at most"),
    Variable("AUTH_MODE", "local", _one_of("local", "supabase"), "who signs people in"),
    Variable("SUPABASE_JWT_SECRET", "", _SECRET, "signs tokens (HS256); unset: made on first run"),
    Variable("TOKEN_TTL_S", "43200", _number(60, 604_800), "life of a token made here, in seconds"),
    Variable("ALLOWED_ORIGINS", "", _ORIGINS, "pages that may connect; unset: our own on loopback"),
    Variable("LOG_LEVEL", "info", _LEVEL, "least level that is logged: debug, info, warning or error"),
    Variable("COMPANION_PACE_S", "0.03", _PACE, "the offline companion's pause"),
    Variable("HEARTBEAT_S", "20", _SECONDS, "seconds of silence after which a client should ping"),
    Variable("PING_INTERVAL_S", "20", _SECONDS, "seconds between WebSocket pings"),
    Variable("PING_TIMEOUT_S", "20", _SECONDS, "seconds after which an unanswered ping frees the client"),
)
PARTS = (
    Variable("SUPABASE_DB_HOST", "", _DB_HOST, "host, for those who have no URL but its parts"),
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
    Variable("LIMIT_WRITER_QUEUE", "2000", _COUNT, "messages awaiting a commit; beyond it: busy"),
    Variable("LIMIT_REPLAY", "500", _COUNT, "messages in one replay"),
)
VARIABLES = GENERAL + PARTS + LIMITS
RESERVED = frozenset({"NURA_MODEL"})  # a documented name whose part is not built yet
ORDERED = (
    ("DB_POOL_MIN", "DB_POOL_MAX"),
    ("LIMIT_HELLO_BYTES", "LIMIT_FRAME_BYTES"),
    ("LIMIT_SEND_BUFFER_BYTES", "LIMIT_SEND_BUFFER_HARD_BYTES"),
)
# Printed in public guides; whoever knows one can sign in as anybody.
KNOWN_SECRETS = re.compile(r"super-secret-jwt-token|change-?me|replace-?me|your-(jwt-)?secret", re.IGNORECASE)


def load(
    environ: Mapping[str, str] | None = None,
    *,
    dotenv: Path | None = Path(".env"),
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from `environ` (default: the process's), over those of the file `dotenv` if it is there.

    `overrides` (what the command line says, by variable name) win over both.

    A variable that is set but blank counts as unset. Raises SettingsError for the first broken rule.
    """
    try:
        from_file = env_file.read(dotenv)
    except env_file.DotenvError as error:
        raise SettingsError(error.place, error.rule) from None
    given = {**from_file, **(os.environ if environ is None else environ), **(overrides or {})}
    _refuse_unknown(given)
    values = {variable.name: variable.read(given) for variable in VARIABLES}
    for low, high in ORDERED:
        if values[low] > values[high]:
            blamed = high if given.get(high, "").strip() else low
            raise SettingsError(blamed, f"breaks {low} <= {high} ({values[low]} and {values[high]})")
    fields = {variable.field: values[variable.name] for variable in GENERAL}
    fields["limits"] = Limits(**{variable.field: values[variable.name] for variable in LIMITS})
    verify = fields["env"] == "production" and not fields["allow_plaintext_stores"]
    fields["database_url"] = fields["database_url"] or _join_parts(values, verify=verify)
    if fields["allowed_origins"] is None:
        fields["allowed_origins"] = tuple(f"http://{h}:{fields['port']}" for h in ("127.0.0.1", "localhost"))
    settings = Settings(**fields)
    if settings.env == "production":
        _refuse_unsafe(settings)
    return settings


def _refuse_unknown(given: Mapping[str, str]) -> None:
    known = {variable.name for variable in VARIABLES} | RESERVED
    for name in given:
        if name.startswith(("NURA_", "LIMIT_")) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, 0.0)
            raise SettingsError(name, f"is not a setting; the nearest one is {near[0]}")


def _join_parts(values: Mapping[str, Any], *, verify: bool) -> str | None:
    present = [variable.name for variable in PARTS if values[variable.name] is not None]
    if not present:
        return None
    for variable in PARTS:
        if values[variable.name] is None and variable.name != "SUPABASE_DB_PORT":
            raise SettingsError(variable.name, f"must be set too, because {present[0]} is")
    parts = {variable.field.removeprefix("db_"): values[variable.name] for variable in PARTS}
    try:
        return addresses.join_postgres(**{**parts, "port": parts["port"] or 5_432}, verify=verify)
    except ValueError:
        raise SettingsError("SUPABASE_DB_HOST", f"must be {_DB_HOST.rule}") from None


def _refuse_unsafe(settings: Settings) -> None:
    secret = settings.jwt_secret
    if secret is None:
        raise SettingsError("SUPABASE_JWT_SECRET", "must be set in production")
    known = KNOWN_SECRETS.search(secret) or len(set(secret)) < 8
    if known or secret.startswith(GENERATED_SECRET_PREFIX):
        raise SettingsError("SUPABASE_JWT_SECRET", "must not be a generated, guessable or default one")
    stores = {"SUPABASE_DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    for name, url in stores.items():
        if url is None:
            raise SettingsError(name, "must be set in production; embedded stores are for development")
        if not settings.allow_plaintext_stores and not addresses.is_private(url):
            how = "rediss://" if name == "REDIS_URL" else "?sslmode=verify-full"
            raise SettingsError(name, f"needs verified TLS ({how}), a unix socket or ALLOW_PLAINTEXT_STORES")
