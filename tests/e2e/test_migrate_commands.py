"""`nura-rt migrate`: a rollout that is not well is taken back; two at once, a kill, another login, a legacy table."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import legacy_people
from commands import begin
from databases import Database, scratch
from nura_rt.embedded.stack import Addresses
from nura_rt.store import migrate
from servers import environ_of, eventually, run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
VERSIONS = [migration.version for migration in migrate.read(migrate.sql_folder() / "migrations")]
HARMLESS = "-- migrate:up\ncreate table fresh (id int);\n-- migrate:down\ndrop table fresh;\n"
LOSING = "-- migrate:up\nselect 1;\n-- migrate:down\ndrop table users cascade;\n"
BROKEN = "-- migrate:up\nnonsense;\n-- migrate:down\nselect 1;\n"


@pytest.fixture
async def empty(stores: Addresses) -> AsyncIterator[Database]:
    """Bootstrapped, not migrated."""
    async with scratch(stores, migrated=False) as made:
        yield made


@pytest.fixture
async def filled(stores: Addresses) -> AsyncIterator[Database]:
    """Migrated, with a person."""
    async with scratch(stores, migrated=True) as made:
        conn = await asyncpg.connect(made.admin_url)
        await conn.execute("INSERT INTO users (id, email) VALUES ('a', 'a@x.org')")
        await conn.close()
        yield made


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a copy of the program, to which a test adds migrations of its own."""
    for name in ("nura_rt", "sql"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def add(program: Path, name: str, text: str) -> str:
    """The next migration; returns its version."""
    version = f"{len(list((program / 'sql' / 'migrations').iterdir())) + 1:04}"
    (program / "sql" / "migrations" / f"{version}_{name}.sql").write_text(text)
    return version


async def applied(database: Database, folder: Path | None = None) -> list[str]:
    return [one.version for one in await migrate.status(database.url, folder) if one.applied]


async def test_a_healthy_rollout_stays_and_its_checks_words_are_passed_on(
    empty: Database, tmp_path: Path
) -> None:
    check = "sh -c 'echo it lives; echo \"$0\" >&2' 'two words'"

    ended = run(
        "migrate", "up", "--rollback-on-unhealthy", check, folder=tmp_path, SUPABASE_DATABASE_URL=empty.url
    )

    assert (ended.returncode, ended.stderr) == (0, "two words\n")
    assert ended.stdout == f"applied {', '.join(VERSIONS)}\nit lives\nhealthy\n"
    assert await applied(empty) == VERSIONS


@pytest.mark.parametrize(
    ("check", "patience_s", "why"),
    [("sh -c 'exit 3'", "60", "exit code 3"), ("sleep 60", "1", "no end within 1 s")],
)
async def test_an_unhealthy_rollout_is_taken_back(
    empty: Database, tmp_path: Path, check: str, patience_s: str, why: str
) -> None:
    words = ["migrate", "up", "--rollback-on-unhealthy", check, "--health-timeout", patience_s]

    ended = run(*words, folder=tmp_path, SUPABASE_DATABASE_URL=empty.url)

    said = f"nura-rt: unhealthy ({why}): rolled back {', '.join(reversed(VERSIONS))}\n"
    assert (ended.returncode, ended.stderr) == (1, said)
    assert await applied(empty) == []


async def test_only_what_this_run_applied_is_taken_back(filled: Database, program: Path) -> None:
    versions = [add(program, name, HARMLESS.replace("fresh", name)) for name in ("one", "two")]
    words = ["migrate", "up", "--rollback-on-unhealthy", "false"]

    ended = run(*words, folder=program, SUPABASE_DATABASE_URL=filled.url)
    status = run("migrate", "status", folder=program, SUPABASE_DATABASE_URL=filled.url)

    assert f"rolled back {versions[1]}, {versions[0]}" in ended.stderr
    assert ended.returncode == 1
    assert [line.split()[0] for line in status.stdout.splitlines()] == ["applied"] * len(VERSIONS) + [
        "missing"
    ] * 2


async def test_with_nothing_to_apply_the_check_still_answers(filled: Database, tmp_path: Path) -> None:
    words = ["migrate", "up", "--rollback-on-unhealthy"]

    sick, well = (
        run(*words, check, folder=tmp_path, SUPABASE_DATABASE_URL=filled.url) for check in ("false", "true")
    )

    assert (well.returncode, well.stdout) == (0, "nothing to apply\nhealthy\n")
    assert sick.returncode == 1
    assert "this run applied nothing to take back" in sick.stderr
    assert await applied(filled) == VERSIONS


async def test_what_cannot_be_taken_back_whole_is_refused_before_anything_is_applied(
    filled: Database, program: Path
) -> None:
    harmless, losing = add(program, "harmless", HARMLESS), add(program, "losing", LOSING)
    words = ["migrate", "up", "--rollback-on-unhealthy", "true"]

    refused = run(*words, folder=program, SUPABASE_DATABASE_URL=filled.url)
    before = await applied(filled, program / "sql" / "migrations")
    allowed = run(*words, "--allow-data-loss", folder=program, SUPABASE_DATABASE_URL=filled.url)

    assert refused.returncode == 2
    assert f"--allow-data-loss: {losing}_losing.sql (table users)" in refused.stderr
    assert before == VERSIONS
    assert allowed.stdout.splitlines() == [f"applied {harmless}, {losing}", "healthy"]


async def test_a_failing_step_takes_the_runs_earlier_ones_back(filled: Database, program: Path) -> None:
    harmless, _ = add(program, "harmless", HARMLESS), add(program, "broken", BROKEN)

    ended = run(
        "migrate", "up", "--rollback-on-unhealthy", "true", folder=program, SUPABASE_DATABASE_URL=filled.url
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "_broken.sql failed and was rolled back" in ended.stderr
    assert f"rolled back {harmless}" in ended.stderr
    assert await applied(filled, program / "sql" / "migrations") == VERSIONS


async def test_killed_before_the_check_answered_the_status_tells_the_truth(
    empty: Database, tmp_path: Path
) -> None:
    mark = tmp_path / "asked"
    check = shlex.join(["sh", "-c", f"echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 60"])
    words = ["migrate", "up", "--rollback-on-unhealthy", check]

    process = begin(*words, folder=tmp_path, SUPABASE_DATABASE_URL=empty.url)
    try:
        await eventually(mark.exists, within_s=60)
    finally:
        process.kill()
        process.communicate()
    os.killpg(int(mark.read_text()), signal.SIGKILL)  # nobody else ends the check now
    status = run("migrate", "status", folder=tmp_path, SUPABASE_DATABASE_URL=empty.url)
    again = run("migrate", "up", folder=tmp_path, SUPABASE_DATABASE_URL=empty.url)

    assert [line.split()[0] for line in status.stdout.splitlines()] == ["applied"] * len(VERSIONS)
    assert again.stdout == "nothing to apply\n"


async def test_two_processes_at_once_apply_each_file_once(empty: Database, tmp_path: Path) -> None:
    running = [begin("migrate", "up", folder=tmp_path, SUPABASE_DATABASE_URL=empty.url) for _ in range(2)]

    said = [await asyncio.to_thread(process.communicate) for process in running]

    shares = [out.split("applied ", 1)[1].strip().split(", ") for out, _ in said if out.startswith("applied")]
    assert [process.returncode for process in running] == [0, 0], said
    assert sorted(version for share in shares for version in share) == VERSIONS


async def test_the_owner_may_have_a_login_of_its_own(
    stores: Addresses, empty: Database, tmp_path: Path
) -> None:
    assert stores.admin_url is not None
    name = f"owner_{uuid.uuid4().hex[:8]}"
    conn = await asyncpg.connect(stores.admin_url)
    await conn.execute(f"CREATE ROLE {name} LOGIN NOINHERIT; GRANT nura_owner TO {name}")
    owner = empty.url.replace("//nura@", f"//{name}@")
    nobody = empty.url.replace("//nura@", "//nobody_at_all@")
    try:
        ended = run("migrate", "up", folder=tmp_path, SUPABASE_DATABASE_URL=nobody, NURA_DSN_OWNER=owner)
    finally:
        await conn.execute(f"DROP ROLE {name}")
        await conn.close()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert await applied(empty) == VERSIONS


async def test_people_are_moved_by_the_command(stores: Addresses, filled: Database, tmp_path: Path) -> None:
    async with scratch(stores, migrated=False) as old:
        conn = await asyncpg.connect(old.admin_url)
        await legacy_people.make(conn, legacy_people.rows(300))
        words = ["migrate", "from-legacy", "--dsn", old.admin_url, "--batch", "100"]
        dry, wet, again = (
            run(*words, *more, folder=tmp_path, SUPABASE_DATABASE_URL=filled.url)
            for more in (("--dry-run",), ("--json",), ("--json",))
        )
        await conn.close()

    assert [each.returncode for each in (dry, wet, again)] == [0, 0, 0], wet.stderr
    assert "a dry run, nothing was written" in dry.stdout
    assert "300 inserted" in dry.stdout
    assert "not read: password_hash, favourite_colour" in dry.stdout
    assert json.loads(wet.stdout)["inserted"] == 300
    assert json.loads(again.stdout)["inserted"] == json.loads(again.stdout)["updated"] == 0
    assert "example.org" not in "".join(each.stdout + each.stderr for each in (dry, wet, again))


@pytest.mark.parametrize(
    ("options", "names", "rule"),
    [
        (["--dsn", "mysql://x"], "--dsn", "must be postgresql://"),
        (["--dsn", "postgresql://u@/x?host=/nowhere"], "--dsn", "does not answer"),
        (["--dsn", "HERE", "--table", "a;b"], "--table", "NAME or SCHEMA.NAME"),
        (["--dsn", "HERE", "--table", "nowhere"], "--table", "is not there"),
        (["--dsn", "HERE", "--table", "users", "--watermark-column", "bio"], "--watermark-column", "a time or a date"),
        (["--dsn", "HERE", "--batch", "5001"], "--batch", "1 to 5000"),
        (["--dsn", "HERE", "--since-watermark", "yesterday"], "--since-watermark", "a time such as"),
    ],
)  # fmt: skip
async def test_a_wrong_option_is_named(
    database_url: str, stores: Addresses, tmp_path: Path, options: list[str], names: str, rule: str
) -> None:
    assert stores.admin_url is not None
    given = [stores.admin_url.replace("/postgres?", "/nura?") if word == "HERE" else word for word in options]

    ended = run("migrate", "from-legacy", *given, folder=tmp_path, SUPABASE_DATABASE_URL=database_url)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert names in ended.stderr
    assert rule in ended.stderr


def test_production_reads_no_legacy_table_in_plain_text(stores: Addresses, tmp_path: Path) -> None:
    safe = "Zx9-mQ7w-ReP4-tY2u-Ln8c-Vb3k-Hd6s-Jf1g"
    production = environ_of(stores) | {
        "NURA_ENV": "production",
        "SUPABASE_JWT_SECRET": safe,
        "NURA_KEK": "A" * 43 + "=",
    }
    words = ["migrate", "from-legacy", "--dsn", "postgresql://u:hunter2@192.0.2.1/old?connect_timeout=1"]

    refused = run(*words, folder=tmp_path, **production)
    private = run(*words[:3], "postgresql://u@/x?host=/nowhere", folder=tmp_path, **production)

    assert refused.returncode == 2
    assert "--dsn: needs verified TLS" in refused.stderr
    assert "hunter2" not in refused.stderr
    assert "does not answer" in private.stderr
