"""`nura-rt`: a wrong argument or variable ends with 2 and a sentence; what is printed for scripts is only that."""

import json
import socket
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses
from peers import Peer, stranger
from servers import SECRET, Instance, environ_of, run

pytestmark = pytest.mark.slow

SAFE = "Zx9-mQ7w-ReP4-tY2u-Ln8c-Vb3k-Hd6s-Jf1g"
PRODUCTION = {"NURA_ENV": "production", "SUPABASE_JWT_SECRET": SAFE}
PLAIN_DATABASE = {"SUPABASE_DATABASE_URL": "postgresql://nura:x@db.example/nura"}
VERIFIED_DATABASE = {"SUPABASE_DATABASE_URL": "postgresql://nura:x@db.example/nura?sslmode=verify-full"}
PRIVATE_STORES = {
    "SUPABASE_DATABASE_URL": "postgresql://nura@/nura?host=/nowhere",
    "REDIS_URL": "unix:///nowhere/valkey.sock",
}


@pytest.mark.parametrize(
    ("arguments", "environ", "names", "rule"),
    [
        ([], {}, "COMMAND", "required"),
        (["dance"], {}, "COMMAND", "invalid choice"),
        (["serve", "--loud"], {}, "--loud", "unrecognized"),
        (["serve", "--port", "0"], {}, "NURA_PORT", "a whole number from 1 to 65535"),
        (["serve", "--host", "a b"], {}, "NURA_HOST", "a host name or an address"),
        (["serve", "--host", "203.0.113.1"], {}, "NURA_PORT", "cannot be used"),
        (["migrate"], {}, "STEP", "required"),
        (["migrate", "down", "--steps", "0"], {}, "--steps", "a whole number from 1"),
        (["migrate", "down"], PRIVATE_STORES, "--allow-data-loss", "drops its tables"),
        (["token"], {}, "--user", "required"),
        (["token", "--user", ""], {}, "--user", "a UUID or a name of 1 to 64 characters"),
        (["doctor"], {"NURA_PROT": "8000"}, "NURA_PROT", "the nearest one is NURA_PORT"),
        (["doctor"], {"DB_POOL_MIN": "25"}, "DB_POOL_MIN", "DB_POOL_MIN <= DB_POOL_MAX"),
        (["doctor"], {"REDIS_URL": "http://x"}, "REDIS_URL", "redis://host"),
        (["token", "--user", "demo"], {"SUPABASE_JWT_SECRET": "short"}, "SUPABASE_JWT_SECRET", "at least 32 bytes"),
        (["serve"], {"NURA_ENV": "staging"}, "NURA_ENV", "one of: development, production"),
        (["serve"], {"NURA_ENV": "production"}, "SUPABASE_JWT_SECRET", "must be set in production"),
        (["serve"], PRODUCTION, "SUPABASE_DATABASE_URL", "must be set in production"),
        (["serve"], PRODUCTION | PLAIN_DATABASE, "SUPABASE_DATABASE_URL", "needs verified TLS"),
        (["serve"], PRODUCTION | VERIFIED_DATABASE, "REDIS_URL", "must be set in production"),
        (
            ["serve"], PRODUCTION | VERIFIED_DATABASE | {"REDIS_URL": "redis://cache.example"},
            "REDIS_URL", "needs verified TLS",
        ),
        (
            ["serve"], PRODUCTION | PRIVATE_STORES | {"SUPABASE_JWT_SECRET": "nura-development-" + SAFE},
            "SUPABASE_JWT_SECRET", "must not be a generated",
        ),
        (["seed"], PRODUCTION | PRIVATE_STORES, "NURA_ENV", "refused in production"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_2_and_names_the_option_and_the_rule(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], names: str, rule: str
) -> None:
    ended = run(*arguments, folder=tmp_path, **environ)

    last = ended.stderr.splitlines()[-1]
    assert ended.returncode == 2
    assert names in last
    assert rule in last
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "command", [["doctor"], ["migrate", "status"], ["migrate", "up"], ["seed"], ["serve"]]
)
def test_a_database_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path, command: list[str]) -> None:
    ended = run(*command, folder=tmp_path, **PRIVATE_STORES)

    said = ended.stdout + ended.stderr
    assert ended.returncode == (1 if command == ["doctor"] else 2)
    assert "does not answer" in said
    assert "Traceback" not in said


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run("serve", "--port", str(port), folder=tmp_path)

    assert ended.returncode == 2
    assert f"127.0.0.1:{port} cannot be used (Address already in use)" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("user", ["demo", "Demo ", "7d3f0b9e-6c1a-4a55-9d7e-0c8a5b1f2e34"])
async def test_a_printed_token_stands_alone_and_opens_a_session(
    instance: Instance, tmp_path: Path, user: str
) -> None:
    ended = run("token", "--user", user, folder=tmp_path, SUPABASE_JWT_SECRET=SECRET)

    async with stranger(instance) as socket_:
        client = Peer(socket_)
        await client.say("hello", token=ended.stdout.removesuffix("\n"))
        welcome = await client.hear("welcome")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("\n") == 1
    assert welcome["user_id"] == person_id(user)


async def test_the_addresses_of_doctor_can_be_connected_to(stores: Addresses, tmp_path: Path) -> None:
    ended = run("doctor", "--json", folder=tmp_path, **configured(stores))

    found = json.loads(ended.stdout)
    conn = await asyncpg.connect(found["database"]["url"])
    await conn.close()
    async with Redis.from_url(found["redis"]["url"]) as redis:
        assert await redis.ping()
    assert ended.returncode == 0
    assert all(part["ok"] for part in found.values())
    assert found["database"]["version"].startswith("18")
    given = configured(stores)
    assert found["database"]["url"] == given["SUPABASE_DATABASE_URL"]
    assert found["redis"]["url"] == given["REDIS_URL"]


def test_doctor_says_what_is_missing_and_how_to_have_it(tmp_path: Path) -> None:
    ended = run("doctor", folder=tmp_path)

    table = {line.split()[0]: line for line in ended.stdout.splitlines()}
    assert ended.returncode == 1
    assert {"python", "nura-rt", "data", "database", "redis", "assistant", "sign-in"} <= table.keys()
    assert "nura-rt serve starts it" in table["database"]
    assert "nura-rt serve starts it" in table["redis"]


def test_doctor_shows_no_password(tmp_path: Path) -> None:
    url = "postgresql://nura:hunter2hunter2@127.0.0.1:1/nura"

    shown = [
        run("doctor", *options, folder=tmp_path, SUPABASE_DATABASE_URL=url) for options in ((), ("--json",))
    ]

    assert "hunter2" not in "".join(each.stdout + each.stderr for each in shown)
    assert "nura:***@127.0.0.1:1" in shown[1].stdout


def test_doctor_looks_at_a_replica_and_at_the_key_of_keys(stores: Addresses, tmp_path: Path) -> None:
    """The primary itself is no replica, and a file that is not there holds no key."""
    url = configured(stores)["SUPABASE_DATABASE_URL"]

    ended = run(
        "doctor", "--json", folder=tmp_path, **configured(stores),
        SUPABASE_READ_DATABASE_URL=url, NURA_KEK_FILE=str(tmp_path / "kek"),
    )  # fmt: skip

    found = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert "is no replica" in found["replica"]["fix"]
    assert found["keys"]["fix"].startswith("NURA_KEK_FILE: must be a file")
    assert not (tmp_path / "kek").exists()


def configured(stores: Addresses, database: str = "nura") -> dict[str, str]:
    """The environment of a command that uses this database of the tests' server."""
    given = environ_of(stores)
    url = urlunsplit(urlsplit(given["SUPABASE_DATABASE_URL"])._replace(path=f"/{database}"))
    return {**given, "SUPABASE_DATABASE_URL": url}


@pytest.fixture
def fresh_database(stores: Addresses, tmp_path: Path) -> dict[str, str]:
    """A database that an administrator has just bootstrapped by the command line."""
    assert stores.admin_url is not None
    name = f"cli_{uuid.uuid4().hex[:8]}"
    ended = run("migrate", "bootstrap", "--admin-dsn", stores.admin_url, "--database", name, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    return configured(stores, name)


def test_migrations_go_up_and_down_and_say_where_they_are(
    fresh_database: dict[str, str], tmp_path: Path
) -> None:
    steps = [
        "migrate status", "serve", "migrate up", "migrate up", "migrate status", "migrate down",
        "migrate down --steps 2 --allow-data-loss", "migrate status", "migrate redo --allow-data-loss",
    ]  # fmt: skip

    before, refused, up, again, after, unsaid, down, fewer, redo = (
        run(*step.split(), folder=tmp_path, **fresh_database) for step in steps
    )

    versions = [line.split()[1] for line in before.stdout.splitlines()]
    assert [line.split()[0] for line in before.stdout.splitlines()] == ["missing"] * len(versions)
    assert (refused.returncode, "nura-rt migrate up" in refused.stderr) == (2, True)
    assert up.stdout == f"applied {', '.join(versions)}\n"
    assert again.stdout == "nothing to apply\n"
    assert [line.split()[0] for line in after.stdout.splitlines()] == ["applied"] * len(versions)
    assert (unsaid.returncode, unsaid.stdout) == (2, "")
    assert down.stdout == f"took back {', '.join(reversed(versions[-2:]))}\n"
    assert [line.split()[0] for line in fewer.stdout.splitlines()][-3:] == ["applied", "missing", "missing"]
    assert redo.returncode == 0


async def test_seeding_twice_makes_one_demo_person(fresh_database: dict[str, str], tmp_path: Path) -> None:
    ended = [run("seed", folder=tmp_path, **fresh_database) for _ in range(2)]

    assert [each.returncode for each in ended] == [0, 0]
    assert ended[0].stdout == ended[1].stdout
    assert "demo@nura.example" in ended[0].stdout
