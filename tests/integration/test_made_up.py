"""`nura-rt seed --people`: believable people in every table, the same each time, never twice, never in production."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from databases import Database, scratch
from nura_rt import settings
from nura_rt.cli import made_up
from nura_rt.cli.errors import UsageError
from nura_rt.cli.made_up import Person
from nura_rt.cli.seed import seed_people
from nura_rt.embedded.stack import Addresses
from nura_rt.settings import Settings
from nura_rt.store import kek, sealing

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOT_ROWS = {"nura.schema_migrations", "nura.person_tables"}  # the catalogue's own


@pytest.fixture
def development(tmp_path: Path) -> Settings:
    return settings.load({"NURA_DATA_DIR": str(tmp_path)}, dotenv=None)


@pytest.fixture
async def empty(stores: Addresses) -> AsyncIterator[Database]:
    async with scratch(stores, migrated=True) as made:
        yield made


@pytest.fixture
async def root(empty: Database) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(empty.admin_url)
    yield conn
    await conn.close()


async def counts(conn: asyncpg.Connection) -> dict[str, int]:
    tables = await conn.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('public', 'nura')"
    )
    names = {row["name"] for row in tables} - NOT_ROWS
    return {name: await conn.fetchval(f"SELECT count(*) FROM {name}") for name in sorted(names)}


async def test_every_table_gets_rows(
    development: Settings, empty: Database, root: asyncpg.Connection
) -> None:
    new = await seed_people(development, empty.url, count=12, number=7)

    filled = await counts(root)
    assert new == filled["public.users"] == 12
    assert [name for name, rows in filled.items() if rows == 0] == []


async def test_a_second_time_makes_nobody_new(
    development: Settings, empty: Database, root: asyncpg.Connection
) -> None:
    await seed_people(development, empty.url, count=5, number=7)
    before = await counts(root)

    new = await seed_people(development, empty.url, count=8, number=7)

    assert new == 3
    await seed_people(development, empty.url, count=8, number=7)
    assert (await counts(root))["public.users"] == 8
    assert (await counts(root))["public.voices"] == before["public.voices"]


async def test_row_level_security_is_forced_again(
    development: Settings, empty: Database, root: asyncpg.Connection
) -> None:
    await seed_people(development, empty.url, count=2, number=1)

    loose = await root.fetch(
        """
        SELECT relname FROM pg_class c JOIN nura.person_tables p ON c.oid = p.table_name::regclass
         WHERE NOT relforcerowsecurity
        """
    )
    assert loose == []


async def test_their_keys_open_with_the_machines_own(
    development: Settings, empty: Database, root: asyncpg.Connection
) -> None:
    await seed_people(development, empty.url, count=1, number=1)

    row = await root.fetchrow("SELECT user_id, wrapped, kek_id FROM nura.user_keys")
    own = kek.load(development)
    assert row is not None
    assert row["kek_id"] == own.id
    assert len(sealing.unwrap(own.key, row["wrapped"], person_id=row["user_id"])) == 32


async def test_counters_of_a_conversation_are_true(
    development: Settings, empty: Database, root: asyncpg.Connection
) -> None:
    await seed_people(development, empty.url, count=10, number=3)

    wrong = await root.fetch(
        """
        SELECT c.id FROM conversations c
         WHERE message_count <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)
            OR last_seq <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)
                         + 2 * (SELECT count(*) FROM nura.tombstones t WHERE t.conversation_id = c.id)
        """
    )
    assert wrong == []


def test_the_same_seed_makes_the_same_people() -> None:
    def drawn(seed: int) -> dict[str, list[dict[str, object]]]:
        random.seed()  # the global generator has no say
        return Person(made_up.material(seed, now=NOON, password_hash="x"), 4).make().rows

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


async def test_production_refuses(empty: Database, development: Settings) -> None:
    strict = settings.load(
        {
            "NURA_ENV": "production",
            "SUPABASE_JWT_SECRET": "k3Jd-92mfQz_71aLwPxVt6RbYuNeHcSg",
            "SUPABASE_DATABASE_URL": empty.url,
            "REDIS_URL": "unix:///run/redis.sock",
            "NURA_KEK_FILE": "/run/secrets/kek",
            "ALLOW_PLAINTEXT_STORES": "true",
        },
        dotenv=None,
    )

    with pytest.raises(UsageError, match="NURA_ENV"):
        await seed_people(strict, empty.url, count=1, number=1)
