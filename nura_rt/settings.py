"""Environment -> frozen Settings, by one table. The only reader of the environment; errors hold no value."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from nura_rt import addresses
from nura_rt import dotenv as env_file
from nura_rt.variables import (
    DB_HOST,
    DSNS,
    GENERAL,
    IDENTITY,
    KNOWN_SECRETS,
    LIMITS,
    ORDERED,
    PARTS,
    RESERVED,
    STORES,
    VARIABLES,
    Network,
    SettingsError,
)

__all__ = ["Limits", "Settings", "SettingsError", "load"]

GENERATED_SECRET_PREFIX = "nura-development-"  # noqa: S105 - marks what auth/secret.py made; production refuses it


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
    connections_per_person: int = 20
    person_messages_per_s: float = 10
    person_message_burst: int = 40
    handshakes_per_s: float = 10
    handshake_burst: int = 100
    writer_queue: int = 2_000
    replay: int = 500


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the server was told. None for a store means: run the embedded one."""

    env: Literal["development", "production"]
    data_dir: Path
    host: str
    port: int
    public_url: str
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    log_level: Literal["debug", "info", "warning", "error"]
    companion_pace_s: float
    heartbeat_s: float
    ping_interval_s: float
    ping_timeout_s: float
    ws_deflate: bool
    database_url: str | None
    read_database_url: str | None
    redis_url: str | None
    redis_cache_url: str | None
    chroma_url: str | None
    allow_plaintext_stores: bool
    db_pool_min: int
    db_pool_max: int
    db_pooler: Literal["session", "transaction"]
    read_max_lag_s: float
    kek_file: Path | None
    kek: bytes | None
    pii_detector: Literal["none", "presidio", "gliner"]
    pii_detector_model: str | None
    dsns: dict[str, str]  # by role without `nura_`, only those that were given
    auth_mode: Literal["local", "supabase"]
    supabase_url: str | None
    jwt_secret: str | None
    auth_hook_secret: bytes | None
    token_ttl_s: int
    refresh_ttl_s: int
    recent_sign_in_s: int
    limits: Limits

    def __repr__(self) -> str:
        return f"Settings(env={self.env!r}, ...)"  # a traceback or a failed test must not print secrets


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
    fields = {variable.field: values[variable.name] for variable in GENERAL + STORES + IDENTITY}
    fields["supabase_url"] = fields.pop("url")
    fields["dsns"] = {
        variable.field.removeprefix("dsn_"): values[variable.name]
        for variable in DSNS
        if values[variable.name] is not None
    }
    fields["limits"] = Limits(**{variable.field: values[variable.name] for variable in LIMITS})
    verify = fields["env"] == "production" and not fields["allow_plaintext_stores"]
    fields["database_url"] = fields["database_url"] or _join_parts(values, verify=verify)
    if fields["allowed_origins"] is None:
        fields["allowed_origins"] = tuple(f"http://{h}:{fields['port']}" for h in ("127.0.0.1", "localhost"))
    fields["public_url"] = fields["public_url"] or f"http://{_spoken(fields['host'])}:{fields['port']}"
    fields["trusted_proxies"] = fields["trusted_proxies"] or ()
    if fields["auth_mode"] == "supabase" and not (fields["supabase_url"] or fields["jwt_secret"]):
        raise SettingsError(
            "SUPABASE_URL", "must be set with AUTH_MODE=supabase (or SUPABASE_JWT_SECRET alone)"
        )
    if fields["pii_detector"] == "gliner" and not fields["pii_detector_model"]:
        raise SettingsError("PII_DETECTOR_MODEL", "must name a folder with a model when PII_DETECTOR=gliner")
    settings = Settings(**fields)
    if settings.env == "production":
        _refuse_unsafe(settings)
    return settings


def _spoken(host: str) -> str:
    """The host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


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
        raise SettingsError("SUPABASE_DB_HOST", f"must be {DB_HOST.rule}") from None


def _refuse_unsafe(settings: Settings) -> None:
    _refuse_unsafe_secrets(settings)
    stores = {
        "SUPABASE_DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SUPABASE_READ_DATABASE_URL": settings.read_database_url,
        "REDIS_CACHE_URL": settings.redis_cache_url,
        "CHROMA_URL": settings.chroma_url,
        **{f"NURA_DSN_{role.upper()}": dsn for role, dsn in settings.dsns.items()},
    }
    for name, url in stores.items():
        if url is None:
            if name in ("SUPABASE_DATABASE_URL", "REDIS_URL"):
                raise SettingsError(name, "must be set in production; embedded stores are for development")
            continue
        if not settings.allow_plaintext_stores and not addresses.is_private(url):
            how = {"R": "rediss://", "C": "https://"}.get(name[0], "?sslmode=verify-full")
            raise SettingsError(name, f"needs verified TLS ({how}), a unix socket or ALLOW_PLAINTEXT_STORES")


def _refuse_unsafe_secrets(settings: Settings) -> None:
    secret = settings.jwt_secret
    if secret is None and settings.auth_mode == "local":
        raise SettingsError("SUPABASE_JWT_SECRET", "must be set in production")
    guessable = secret and (KNOWN_SECRETS.search(secret) or len(set(secret)) < 8)
    if guessable or (secret or "").startswith(GENERATED_SECRET_PREFIX):
        raise SettingsError("SUPABASE_JWT_SECRET", "must not be a generated, guessable or default one")
    if settings.supabase_url is not None and not settings.supabase_url.startswith("https://"):
        raise SettingsError("SUPABASE_URL", "must be https:// in production: keys come from there")
