"""`nura-rt doctor`: every part, how it is configured, whether it answers, what is missing and how to mend it."""

import asyncio
import json
import platform
import re
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import asyncpg
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nura_rt.cli import stores
from nura_rt.embedded import postgres, valkey
from nura_rt.embedded.stack import Addresses, StackError
from nura_rt.settings import Settings, SettingsError
from nura_rt.store import kek, migrate

_WITHIN_S = 5.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One part. `url` is what another program can connect with; `fix` is set when something is missing."""

    configured: str
    ok: bool
    url: str | None = None
    version: str | None = None
    fix: str | None = None


def run(settings: Settings, *, as_json: bool) -> int:
    """Prints the findings; 0 when every part is well, 1 when one is not."""
    addresses = stores.resolved(settings)
    findings = asyncio.run(_look(settings, addresses))
    if as_json:
        print(json.dumps(msgspec.to_builtins(findings), indent=2))
    else:
        print(_table(findings))
    return 0 if all(finding.ok for finding in findings.values()) else 1


async def _look(settings: Settings, addresses: Addresses) -> dict[str, Finding]:
    database, redis, replica = await asyncio.gather(
        _database(settings, addresses), _redis(settings, addresses), _replica(settings)
    )
    return {
        "python": Finding(
            configured=sys.executable, ok=sys.version_info >= (3, 11), version=platform.python_version()
        ),
        "nura-rt": Finding(configured=settings.env, ok=True, version=metadata.version("nura-rt")),
        "data": Finding(configured=str(settings.data_dir), ok=True),
        "database": database,
        **({"replica": replica} if replica else {}),
        "redis": redis,
        "keys": _keys(settings),
        "assistant": Finding(configured="offline companion", ok=True),
        "sign-in": _sign_in(settings),
    }


async def _database(settings: Settings, addresses: Addresses) -> Finding:
    configured = "SUPABASE_DATABASE_URL" if settings.database_url else "embedded"
    url = addresses.database_url
    if url is None:
        return Finding(configured=configured, ok=False, fix=_how_to_start(postgres.find_binaries))
    try:
        conn = await asyncpg.connect(url, timeout=_WITHIN_S, command_timeout=_WITHIN_S)
        try:
            version = str(await conn.fetchval("SHOW server_version"))
        finally:
            await conn.close()
        missing = [
            step.version for step in await migrate.status(settings.dsns.get("owner", url)) if not step.applied
        ]
    except migrate.MigrationError as error:
        return Finding(configured=configured, ok=False, url=_without_password(url), fix=str(error))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fix = f"does not answer ({type(error).__name__}): check the address and that the server runs"
        return Finding(configured=configured, ok=False, url=_without_password(url), fix=fix)
    lack = f"lacks migrations {', '.join(missing)}: nura-rt migrate up" if missing else None
    return Finding(
        configured=configured, ok=not missing, url=_without_password(url), version=version, fix=lack
    )


async def _replica(settings: Settings) -> Finding | None:
    """Without one nothing is missing; a dead one costs only its help."""
    url = settings.read_database_url
    if url is None:
        return None
    where = {"configured": "SUPABASE_READ_DATABASE_URL", "url": _without_password(url)}
    try:
        conn = await asyncpg.connect(url, timeout=_WITHIN_S, command_timeout=_WITHIN_S)
        try:
            version = str(await conn.fetchval("SHOW server_version"))
            replays = bool(await conn.fetchval("SELECT pg_is_in_recovery()"))
        finally:
            await conn.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Finding(
            ok=False, fix=f"does not answer ({type(error).__name__}): the primary is read", **where
        )
    fix = None if replays else "is no replica (it replays nothing): the primary is read"
    return Finding(ok=replays, version=version, fix=fix, **where)


def _keys(settings: Settings) -> Finding:
    """The key that wraps people's keys. Only looks: that of development is made when it is first needed."""
    if settings.kek_file is None and settings.kek is None:
        if settings.env == "production":
            rule = "NURA_KEK_FILE: must be set (or NURA_KEK); until then nothing is sealed, and no profile cached"
            return Finding(configured="none", ok=False, fix=rule)
        return Finding(configured="made in NURA_DATA_DIR", ok=True)
    named = "NURA_KEK_FILE" if settings.kek_file else "NURA_KEK"
    try:
        return Finding(configured=named, ok=True, version=f"KEK {kek.load(settings).id}")
    except SettingsError as error:
        return Finding(configured=named, ok=False, fix=str(error))


async def _redis(settings: Settings, addresses: Addresses) -> Finding:
    configured = "REDIS_URL" if settings.redis_url else "embedded"
    url = addresses.redis_url
    if url is None:
        return Finding(configured=configured, ok=False, fix=_how_to_start(valkey.find_binary))
    client = Redis.from_url(url, socket_timeout=_WITHIN_S, socket_connect_timeout=_WITHIN_S)
    try:
        found = await client.info("server")
    except (RedisError, OSError, TimeoutError) as error:
        fix = f"does not answer ({type(error).__name__}): check the address and that the server runs"
        return Finding(configured=configured, ok=False, url=_without_password(url), fix=fix)
    finally:
        await client.aclose()
    version = found.get("valkey_version") or found.get("redis_version")
    name = "Valkey" if "valkey_version" in found else "Redis"
    return Finding(configured=configured, ok=True, url=_without_password(url), version=f"{name} {version}")


def _how_to_start(find: Callable[[], Path]) -> str:
    """An embedded store that does not run: is there a program to run at all?"""
    try:
        find()
    except StackError as error:
        return str(error)
    return "not running: nura-rt serve starts it"


def _sign_in(settings: Settings) -> Finding:
    """Only looks: the secret of development is made when it is first needed."""
    if settings.auth_mode == "supabase" and not (settings.supabase_url or settings.jwt_secret):
        rule = "SUPABASE_URL: must be set with AUTH_MODE=supabase"
        return Finding(configured=settings.auth_mode, ok=False, fix=rule)
    return Finding(configured=settings.auth_mode, ok=True)


def _without_password(url: str) -> str:
    """The address as it was given, but for secrets (urlunsplit would lose the slashes of unix:///)."""
    url = re.sub(r"(?<=://)([^/@]*?):[^/]*@", r"\1:***@", url)
    return re.sub(r"(?i)(?<=[?&])((?:ssl)?password|passwd)=[^&]*", r"\1=***", url)


def _table(findings: dict[str, Finding]) -> str:
    rows = [("part", "", "configured", "version", "")]
    for name, finding in findings.items():
        mark = "ok" if finding.ok else "MISSING"
        rows.append((name, mark, finding.configured, finding.version or "", finding.fix or finding.url or ""))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
