"""The command line: `nura-rt COMMAND`. Bad input exits with 2 and one sentence that names the option and the rule."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from nura_rt import settings as configuration
from nura_rt import telemetry
from nura_rt.auth.secret import jwt_secret
from nura_rt.auth.tokens import Tokens
from nura_rt.cli import doctor, migrations, stores
from nura_rt.cli.errors import UsageError
from nura_rt.cli.people import person_id
from nura_rt.cli.seed import refuse_in_production, seed
from nura_rt.cli.serve import serve
from nura_rt.embedded.stack import StackError
from nura_rt.settings import Settings, SettingsError
from nura_rt.store.migrate import MigrationError
from nura_rt.store.pool import UNAVAILABLE

_SAID_NO = (UsageError, SettingsError, StackError, MigrationError)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    options = _parser().parse_args(arguments)
    try:
        settings = configuration.load(overrides=_overrides(options))
        telemetry.configure(settings.log_level)
        code = _run(options, settings)
    except _SAID_NO as error:
        print(f"nura-rt: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        why = type(error).__name__
        print(
            f"nura-rt: the database does not answer as it should ({why}); try nura-rt doctor", file=sys.stderr
        )
        code = 2
    sys.exit(code)


def _run(options: argparse.Namespace, settings: Settings) -> int:
    match options.command:
        case "serve":
            serve(settings)
        case "migrate":
            print(_migrate(options, settings))
        case "seed":
            refuse_in_production(settings)
            with stores.database(settings) as addresses:
                asyncio.run(migrations.up(addresses))
                url = stores.require(addresses.database_url, "SUPABASE_DATABASE_URL")
                demo = asyncio.run(seed(settings, url))
            print(f"the demo person is there: {demo.email} / {demo.password}")
        case "token":
            print(_token(options, settings))
        case "doctor":
            return doctor.run(settings, as_json=options.json)
    return 0


def _migrate(options: argparse.Namespace, settings: Settings) -> str:
    if options.step == "bootstrap" and options.admin_dsn:
        password = _password(options.login_password_file)
        return asyncio.run(
            migrations.bootstrap(
                options.admin_dsn, database=options.database, login=options.login, password=password
            )
        )
    with stores.database(settings) as addresses:
        match options.step:
            case "bootstrap":
                url = stores.require(addresses.admin_url, "--admin-dsn")
                return asyncio.run(migrations.bootstrap(url, database="nura", login="nura", password=None))
            case "up":
                return asyncio.run(migrations.up(addresses))
            case "down":
                return asyncio.run(
                    migrations.down(addresses, steps=options.steps, allow_data_loss=options.allow_data_loss)
                )
            case "redo":
                return asyncio.run(migrations.redo(addresses, allow_data_loss=options.allow_data_loss))
            case _:
                return asyncio.run(migrations.status(addresses))


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


def _token(options: argparse.Namespace, settings: Settings) -> str:
    tokens = Tokens(jwt_secret(settings), ttl_s=settings.token_ttl_s)
    return tokens.issue(person_id(options.user))


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    given = {"NURA_HOST": getattr(options, "host", None), "NURA_PORT": getattr(options, "port", None)}
    return {name: value for name, value in given.items() if value is not None}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nura-rt", description="A realtime server for a mental-health companion."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="start everything and serve")
    serving.add_argument("--host", help="address to listen on (NURA_HOST)")
    serving.add_argument("--port", help="port to listen on (NURA_PORT)")
    migrating = commands.add_parser("migrate", help="make or change the tables")
    steps = migrating.add_subparsers(dest="step", required=True, metavar="STEP")
    boot = steps.add_parser("bootstrap", help="roles and schema, once, by an administrator")
    boot.add_argument("--admin-dsn", help="address of an administrator; unset: the embedded server's")
    boot.add_argument("--database", help="made when missing; default: the one in the address")
    boot.add_argument("--login", default="nura", help="the server's login (default: nura)")
    boot.add_argument(
        "--login-password-file", metavar="FILE", help="sets the login's password to the file's first line"
    )
    steps.add_parser("up", help="apply what is missing")
    steps.add_parser("status", help="say what is applied")
    backwards = steps.add_parser("down", help="take migrations back")
    backwards.add_argument("--steps", type=_positive, default=1)
    for step in (backwards, steps.add_parser("redo", help="the last one down and up")):
        step.add_argument("--allow-data-loss", action="store_true", help="yes, drop what the tables hold")
    commands.add_parser("seed", help="make the demo person (development)")
    token = commands.add_parser("token", help="print a token")
    token.add_argument("--user", required=True, help="a UUID, or a name such as demo")
    looking = commands.add_parser("doctor", help="what is configured, what answers, what is missing")
    looking.add_argument("--json", action="store_true", help="for scripts")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


if __name__ == "__main__":
    main()
