"""A legacy table full of what real ones hold: gaps, junk, repeats, other alphabets; the same for the same seed."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import asyncpg

from databases import Database
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.words import Words
from nura_rt.people import legacy_mapping
from nura_rt.people.legacy_import import Import, Report
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.store import legacy_source, pool

TABLE = """
CREATE TABLE legacy_users (
  id {id} PRIMARY KEY, email text, phone text, name text, nickname varchar(5000), bio text, avatar text,
  created_at timestamptz, updated_at timestamptz, last_login timestamp, streak integer, xp bigint, is_active text,
  privacy {json}, chat_preferences jsonb, voice_preferences text, memory_preferences json, chat_usage text,
  password_hash text, favourite_colour text)
"""
COLUMNS = (
    "id", "email", "phone", "name", "nickname", "bio", "avatar", "created_at", "updated_at", "last_login", "streak",
    "xp", "is_active", "privacy", "chat_preferences", "voice_preferences", "memory_preferences", "chat_usage",
    "password_hash", "favourite_colour",
)  # fmt: skip
FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2)
ALL = """
SELECT to_jsonb(u) - '{updated_at,created_at}'::text[] AS person FROM users u ORDER BY id
"""
PROFILES = """
SELECT user_id, service_type, service_preferences::text, service_metadata::text, usage_stats::text
  FROM user_service_profiles ORDER BY 1, 2
"""
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
_WORDS = (
    None,
    "",
    "  ",
    "Robin",
    "Ana María",
    "李雷",
    "x" * 4_000,
    "a\n b\t c",
    "😀" * 30,
    "O'Hara; DROP TABLE",
    "\x01",
)
_JSON = (
    None,
    "{}",
    "null",
    '{"theme": "dark"}',
    '{"a": [1, {"b": null}]}',
    '{"t": "caf\\u00e9 \\u4e2d"}',
    "[1, 2]",
)
_LOOSE = (
    *_JSON,
    "not json",
    '{"open": ',
    '"\\ud800"',
    '{"nul": "a\\u0000b"}',
)  # only a text column takes these


def rows(count: int, *, seed: int = 7, whole_ids: bool = False) -> list[tuple[object, ...]]:
    """`count` rows in the order of COLUMNS."""
    chance = random.Random(seed)
    return [_row(number, chance, whole_ids=whole_ids) for number in range(1, count + 1)]


def _row(number: int, chance: random.Random, *, whole_ids: bool) -> tuple[object, ...]:
    ordinary = f"person{number}@example.org"
    email = chance.choice(
        [ordinary] * 14
        + [
            ordinary.upper(),
            f" {ordinary} ",
            None,
            "",
            "nobody",
            "a@b",
            f"person{max(1, number // 2)}@Example.org",
            "é@x.org",
        ]
    )
    changed = BEGAN + timedelta(minutes=number // 3)  # three rows share each watermark
    return (
        number if whole_ids else uuid.UUID(int=chance.getrandbits(128)),
        email,
        chance.choice([None, "", "+1 (415) 555-0100", "0151/23456", "call me", "+" * 40]),
        chance.choice(_WORDS),
        chance.choice(_WORDS),
        chance.choice([*_WORDS, "y" * 20_000]),
        chance.choice(
            [None, "", "https://x.org/a.png", "javascript:alert(1)", "/local.png", "https://" + "z" * 5_000]
        ),
        chance.choice([None, BEGAN, changed]),
        chance.choice(
            [changed] * 20 + [None, datetime(9999, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)]
        ),
        chance.choice([None, datetime(2024, 5, 5)]),  # noqa: DTZ001 - the column has no zone
        chance.choice([None, 0, 3, -4]),
        chance.choice([None, 0, 250, 2**40, -1]),
        chance.choice([None, "", "t", "FALSE", "1", "perhaps"]),
        chance.choice(_LOOSE),
        chance.choice(_JSON),
        chance.choice(_LOOSE),
        chance.choice(_JSON),
        chance.choice([*_LOOSE, "12"]),
        "secret",
        "green",
    )


async def make(conn: asyncpg.Connection, people: list[tuple[object, ...]], *, id_type: str = "uuid") -> None:
    """The table with these rows."""
    await conn.execute(TABLE.format(id=id_type, json="text"))
    await conn.copy_records_to_table("legacy_users", records=people, columns=COLUMNS)


@cache
def words() -> Words:
    """As the command has them; nobody is connected."""
    return Words(Pipeline.load(), SupportCards(None, lambda level: (level, [])))


async def move(
    old: Database, target: Database, *, batch: int = 500, dry: bool = False, since: datetime | None = None
) -> Report:
    """What the command does, in this process."""
    source = await legacy_source.connect(old.admin_url, "legacy_users")
    conn = await pool.connect(target.url, "nura_import")
    try:
        source.follow("updated_at", "created_at")
        plan = legacy_mapping.plan(source.columns, watermark="updated_at")
        return await Import(conn, source, plan, words(), dry=dry).run(since=since, batch=batch)
    finally:
        await conn.close()
        await source.close()


async def everything(eyes: asyncpg.Connection) -> tuple[list[Any], list[Any]]:
    """All people and all service profiles, but for the times they were written."""
    return [json.loads(row[0]) for row in await eyes.fetch(ALL)], [
        tuple(row) for row in await eyes.fetch(PROFILES)
    ]


async def one(eyes: asyncpg.Connection, id_: uuid.UUID) -> asyncpg.Record:
    """A person as they are now."""
    row = await eyes.fetchrow("SELECT * FROM users WHERE id = $1", str(id_))
    assert row is not None
    return row


async def put(hands: asyncpg.Connection, **values: object) -> None:
    """One more legacy person, or a change to one."""
    names = list(values)
    sets = ", ".join(f"{name} = excluded.{name}" for name in names)
    marks = ", ".join(f"${at}" for at in range(1, len(names) + 1))
    await hands.execute(
        f"INSERT INTO legacy_users ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {sets}",
        *values.values(),
    )


def at(minutes: int) -> datetime:
    """So many minutes after the legacy backend began."""
    return BEGAN + timedelta(minutes=minutes)
