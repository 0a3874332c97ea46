"""People moved from a legacy table: all of them, once, whatever they hold; a killed run continues."""

import asyncio
import json
import signal
from pathlib import Path

import asyncpg
import pytest

import legacy_people
from commands import begin
from databases import Database, scratch
from legacy_people import FIRST, everything, move
from nura_rt.embedded.stack import Addresses
from nura_rt.people import legacy_mapping
from nura_rt.store import legacy, legacy_source, pool
from schema_picture import picture
from servers import run

MANY = 2_000
BRAKE = """
    CREATE FUNCTION brake() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.003); RETURN NULL; END';
    CREATE TRIGGER brake AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION brake();
"""


async def test_everybody_is_moved_and_every_oddity_is_counted(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, legacy_people.rows(MANY))

    report = await move(old, target)

    people, profiles = await everything(eyes)
    assert (report.read, report.inserted, report.skipped) == (MANY, MANY, 0)
    assert len(people) == MANY
    assert report.profiles == len(profiles) > MANY / 2
    assert set(report.reasons) == {
        "bad_avatar", "bad_count", "bad_email", "bad_flag", "bad_json", "bad_phone", "duplicate_email", "long_bio",
        "long_display_name", "long_full_name", "no_email", "no_watermark",
    }  # fmt: skip
    without = sum(report.reasons[name] for name in ("bad_email", "no_email", "duplicate_email"))
    assert without == sum(one["email"].endswith("@no-email.invalid") for one in people)
    assert report.unknown_columns == ["password_hash", "favourite_colour"]
    assert max(len(one["bio"] or "") for one in people) == 8_000
    assert {one["avatar_url"] for one in people} == {None, "https://x.org/a.png"}
    assert min(one["xp"] for one in people) == 0


async def test_a_second_run_moves_nothing_and_a_third_only_what_changed(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, legacy_people.rows(MANY))
    await move(old, target)
    before = await eyes.fetch("SELECT * FROM users ORDER BY id")

    second = await move(old, target)
    after = await eyes.fetch("SELECT * FROM users ORDER BY id")
    await hands.execute(
        "UPDATE legacy_users SET bio = 'changed', updated_at = now()"
        " WHERE id IN (SELECT id FROM legacy_users ORDER BY id LIMIT 7)"
    )
    third = await move(old, target)

    assert (second.inserted, second.updated, second.profiles) == (0, 0, 0)
    assert after == before
    assert (third.inserted, third.updated) == (0, 7)
    assert third.read < MANY / 2
    assert await eyes.fetchval("SELECT count(*) FROM users WHERE bio = 'changed'") == 7


async def test_a_dry_run_writes_nothing_and_reports_the_same(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, legacy_people.rows(MANY))
    tables = ("users", "user_service_profiles", "nura.legacy_imports", "nura.audit_log")
    count = " UNION ALL ".join(
        f"SELECT '{name}', md5(string_agg(t::text, ',')) FROM {name} t" for name in tables
    )
    before = picture(target.admin_url), await eyes.fetch(count)

    dry = await move(old, target, dry=True)
    same = picture(target.admin_url), await eyes.fetch(count)
    wet = await move(old, target)

    assert same == before
    assert (dry.read, dry.inserted, dry.profiles) == (wet.read, wet.inserted, wet.profiles)
    assert dry.reasons == wet.reasons


@pytest.mark.slow
async def test_a_killed_run_continues_to_the_same_end(
    stores: Addresses,
    old: Database,
    target: Database,
    hands: asyncpg.Connection,
    eyes: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    await legacy_people.make(hands, legacy_people.rows(MANY))
    await eyes.execute("INSERT INTO users (id, email) SELECT 'here', 'person9@example.org'")
    command = ["migrate", "from-legacy", "--dsn", old.admin_url, "--batch", "10", "--json"]
    environ = {"SUPABASE_DATABASE_URL": target.url}
    killed = 0
    await eyes.execute(BRAKE)  # a run that is watched by a slow test does not end before it is killed
    for reached in (200, 900):
        process = begin(*command, folder=tmp_path, **environ)
        while process.poll() is None and (await eyes.fetchval("SELECT count(*) FROM users")) < reached:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.005)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    await eyes.execute("DROP FUNCTION brake() CASCADE")

    ended = run(*command, folder=tmp_path, **environ)
    moved = await everything(eyes)

    assert killed == 2
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["read"] <= MANY - 900  # it did not begin anew
    async with scratch(stores, migrated=True) as other:
        conn = await asyncpg.connect(other.admin_url)
        try:
            await conn.execute("INSERT INTO users (id, email) SELECT 'here', 'person9@example.org'")
            await move(old, other)
            assert await everything(conn) == moved
        finally:
            await conn.close()
    assert (await move(old, target)).updated == 0


async def test_a_number_becomes_the_same_uuid_in_every_run(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, legacy_people.rows(30, whole_ids=True), id_type="bigint")

    first = await move(old, target, batch=7)
    again = await move(old, target, since=legacy_source.EPOCH)

    ids = {row["id"] for row in await eyes.fetch("SELECT id FROM users")}
    assert ids == {legacy_mapping.person_id(str(number), "legacy_users") for number in range(1, 31)}
    assert (first.inserted, again.inserted, again.updated) == (30, 0, 0)


async def test_rows_without_an_id_and_repeated_ids_are_said(
    old: Database, target: Database, hands: asyncpg.Connection
) -> None:
    await hands.execute("CREATE TABLE legacy_users (id text, email text)")
    await hands.executemany(
        "INSERT INTO legacy_users VALUES ($1, $2)",
        [(None, "a@x.org"), (FIRST.hex, "b@x.org"), (FIRST.hex, "c@x.org")],
    )

    report = await move(old, target)

    assert (report.read, report.inserted, report.skipped) == (2, 1, 2)
    assert (report.reasons["no_id"], report.reasons["repeated_id"]) == (1, 1)


async def test_bytes_of_no_encoding_are_read(
    stores: Addresses, target: Database, eyes: asyncpg.Connection
) -> None:
    assert stores.admin_url is not None
    root = await asyncpg.connect(stores.admin_url)
    name = f"ascii_{FIRST.hex[:8]}"
    try:
        await root.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
        raw = Database("", stores.admin_url.replace("/postgres?", f"/{name}?"))
        conn = await asyncpg.connect(raw.admin_url)
        await conn.execute("CREATE TABLE legacy_users (id int, name text)")
        await conn.execute(r"INSERT INTO legacy_users VALUES (1, E'Zo\303\253'), (2, E'Zo\353')")
        await conn.close()

        report = await move(raw, target)
    finally:
        await root.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await root.close()

    assert {row["full_name"] for row in await eyes.fetch("SELECT full_name FROM users")} == {"Zoë"}
    assert report.reasons["not_utf8"] == 1


async def test_two_runs_at_once_are_one(old: Database, target: Database, hands: asyncpg.Connection) -> None:
    await legacy_people.make(hands, [])
    conns = [await pool.connect(target.url, "nura_import") for _ in range(2)]

    taken = [await legacy.take(conn, "x") for conn in conns]

    for conn in conns:
        await conn.close()
    assert taken == [True, False]
