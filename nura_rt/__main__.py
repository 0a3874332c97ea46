"""The command line: `nura-rt COMMAND`. Bad input exits with 2 and one sentence that names the option and the rule."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

import asyncpg

from nura_rt import settings as configuration
from nura_rt import telemetry
from nura_rt.auth.secret import jwt_secret
from nura_rt.auth.tokens import Tokens
from nura_rt.cli import doctor, evaluate, migrations, stores
from nura_rt.cli.errors import UsageError
from nura_rt.cli.people import person_id
from nura_rt.cli.rollout import positive
from nura_rt.cli.screen import screen
from nura_rt.cli.seed import refuse_in_production, seed, seed_people
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
        code = _run(options)
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


def _run(options: argparse.Namespace) -> int:
    match options.command:  # these two read files only
        case "screen":
            return screen(sys.stdin.buffer, sys.stdout.buffer)
        case "evaluate":
            return evaluate.run(options)
    settings = configuration.load(overrides=_overrides(options))
    telemetry.configure(settings.log_level)
    match options.command:
        case "serve":
            serve(settings)
        case "migrate":
            return migrations.run(options, settings)
        case "seed":
            refuse_in_production(settings)
            with stores.database(settings) as addresses:
                asyncio.run(migrations.up(addresses))
                url = stores.require(addresses.database_url, "SUPABASE_DATABASE_URL")
                demo = asyncio.run(seed(settings, url))
                if options.people:
                    new = asyncio.run(seed_people(settings, url, count=options.people, number=options.seed))
                    print(f"{new} made-up people are new, {options.people - new} were there")
            print(f"the demo person is there: {demo.email} / {demo.password}")
        case "token":
            print(_token(options, settings))
        case "doctor":
            return doctor.run(settings, as_json=options.json)
    return 0


def _token(options: argparse.Namespace, settings: Settings) -> str:
    if settings.auth_mode == "supabase":
        raise UsageError("AUTH_MODE: with supabase, tokens come from Supabase and are not made here")
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
    migrations.add_parser(commands)
    seeding = commands.add_parser("seed", help="make the demo person, and others (development)")
    seeding.add_argument(
        "--people", type=positive, default=0, help="so many made-up people, rows in every table"
    )
    seeding.add_argument("--seed", type=positive, default=7, help="the same number makes the same people")
    commands.add_parser("screen", help="screen JSON lines of {text} or {turns} from stdin to stdout")
    evaluate.add_parser(commands)
    token = commands.add_parser("token", help="print a token")
    token.add_argument("--user", required=True, help="a UUID, or a name such as demo")
    looking = commands.add_parser("doctor", help="what is configured, what answers, what is missing")
    looking.add_argument("--json", action="store_true", help="for scripts")
    return parser


if __name__ == "__main__":
    main()
