"""`nura-rt migrate bootstrap|up|down|status|redo|from-legacy`: says what it did; a step back is asked for first."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nura_rt.cli import legacy, rollout, stores
from nura_rt.cli.errors import UsageError
from nura_rt.embedded.stack import Addresses
from nura_rt.settings import Settings
from nura_rt.store import migrate

_EMBEDDED_NAME = "nura"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`migrate` and its steps."""
    steps = commands.add_parser("migrate", help="make or change the tables").add_subparsers(
        dest="step", required=True, metavar="STEP"
    )
    boot = steps.add_parser("bootstrap", help="roles and schema, once, by an administrator")
    boot.add_argument("--admin-dsn", help="address of an administrator; unset: the embedded server's")
    boot.add_argument("--database", help="made when missing; default: the one in the address")
    boot.add_argument("--login", default="nura", help="the server's login (default: nura)")
    boot.add_argument(
        "--login-password-file", metavar="FILE", help="sets the login's password to the file's first line"
    )
    forwards = steps.add_parser("up", help="apply what is missing", description=rollout.DESCRIPTION)
    rollout.add_arguments(forwards)
    steps.add_parser("status", help="say what is applied")
    backwards = steps.add_parser("down", help="take migrations back")
    backwards.add_argument("--steps", type=rollout.positive, default=1)
    for step in (forwards, backwards, steps.add_parser("redo", help="the last one down and up")):
        step.add_argument("--allow-data-loss", action="store_true", help="yes, drop what the tables hold")
    legacy.add_parser(steps)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Does the step and prints what it did; the exit code. Migrates as `NURA_DSN_OWNER` where that is set."""
    if options.step == "from-legacy":
        return legacy.run(options, settings)
    if options.step == "bootstrap" and options.admin_dsn:
        password = _password(options.login_password_file)
        print(
            asyncio.run(
                bootstrap(
                    options.admin_dsn, database=options.database, login=options.login, password=password
                )
            )
        )
        return 0
    checked = rollout.checked(options) if options.step == "up" else None
    with _owner(settings) as addresses:
        if checked is not None:
            return rollout.up(asyncio.run(_ready(addresses)), checked)
        print(asyncio.run(_step(options, addresses)))
    return 0


@contextmanager
def _owner(settings: Settings) -> Iterator[Addresses]:
    """The address of the owner's own login; unset: the server's."""
    if "owner" in settings.dsns:
        yield Addresses(database_url=settings.dsns["owner"])
        return
    with stores.database(settings) as addresses:
        yield addresses


async def _step(options: argparse.Namespace, addresses: Addresses) -> str:
    match options.step:
        case "bootstrap":
            url = stores.require(addresses.admin_url, "--admin-dsn")
            return await bootstrap(url, database=_EMBEDDED_NAME, login=_EMBEDDED_NAME, password=None)
        case "up":
            return await up(addresses)
        case "down":
            return await down(addresses, steps=options.steps, allow_data_loss=options.allow_data_loss)
        case "redo":
            return await redo(addresses, allow_data_loss=options.allow_data_loss)
        case _:
            return await status(addresses)


async def bootstrap(admin_dsn: str, *, database: str | None, login: str, password: str | None) -> str:
    """Roles and schema, once, by an administrator."""
    loud = await migrate.bootstrap(admin_dsn, database=database, login=login, password=password)
    if loud:
        print(
            f"nura-rt: this administrator may not set {', '.join(loud)} for {login}: the server's log may show "
            "people's words in errors. Set them to none, panic, fatal, terse and 0 where the server is managed.",
            file=sys.stderr,
        )
    return "bootstrapped: roles and schema are there; next: nura-rt migrate up"


async def up(addresses: Addresses) -> str:
    """Applies what is missing; says, too, what a newer program has applied."""
    dsn = await _ready(addresses)
    applied = await migrate.up(dsn)
    done = f"applied {', '.join(applied)}" if applied else "nothing to apply"
    return "\n".join([done, *(_line(step) for step in await migrate.status(dsn) if step.note)])


async def down(addresses: Addresses, *, steps: int, allow_data_loss: bool) -> str:
    """Takes back migrations; asks first, because dropped tables hold people's words."""
    if not allow_data_loss:
        raise UsageError(
            "--allow-data-loss: taking a migration back drops its tables and what they hold; say so"
        )
    taken = await migrate.down(await _ready(addresses), steps=steps)
    return f"took back {', '.join(taken)}" if taken else "nothing to take back"


async def redo(addresses: Addresses, *, allow_data_loss: bool) -> str:
    """The last migration down and up again."""
    return f"{await down(addresses, steps=1, allow_data_loss=allow_data_loss)}; {await up(addresses)}"


async def status(addresses: Addresses) -> str:
    """One line per migration, those that have no file here included."""
    return "\n".join(_line(step) for step in await migrate.status(await _ready(addresses)))


def _line(step: migrate.Status) -> str:
    note = f" ({step.note})" if step.note else ""
    return f"{'applied' if step.applied else 'missing':8} {step.version} {step.name}{note}"


def _password(path: str | None) -> str | None:
    """Not an argument of its own: those are seen by everybody on the machine."""
    if path is None:
        return None
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError("--login-password-file: must be a readable text file") from None
    if not lines or not lines[0]:
        raise UsageError("--login-password-file: its first line must be the password")
    return lines[0]


async def _ready(addresses: Addresses) -> str:
    """The embedded server bootstraps itself; any other was bootstrapped by its administrator."""
    if addresses.admin_url is not None:
        await migrate.bootstrap(
            addresses.admin_url, database=_EMBEDDED_NAME, login=_EMBEDDED_NAME, password=None
        )
    return stores.require(addresses.database_url, "SUPABASE_DATABASE_URL")
