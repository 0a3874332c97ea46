"""What a device that was away asks for: what changed since, what was read elsewhere, and what is gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from databases import Database
from nura_rt.chat import conversation_routes
from nura_rt.chat.conversation_routes import ConversationList
from nura_rt.store import conversations, pool, read_marks
from nura_rt.store.pool import as_person
from nura_rt.store.read_marks import Mark
from rows import make_person

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=2)
    yield opened
    opened.terminate()


@pytest.fixture
async def door(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_door", smallest=1, largest=2)
    yield opened
    opened.terminate()


async def of_long_ago(root: asyncpg.Connection, person_id: str, count: int) -> list[str]:
    rows = await root.fetch(
        """
        INSERT INTO conversations (user_id, updated_at, last_seq)
        SELECT $1, $2::timestamptz - n * interval '1 hour', 5 FROM generate_series(1, $3) n RETURNING id
        """,
        person_id,
        LONG_AGO,
        count,
    )
    return [row["id"] for row in rows]


async def changed(people: asyncpg.Pool, person_id: str, **asked: object) -> ConversationList:
    return await conversation_routes.page_of(people, person_id, **{"limit": 10} | asked)  # type: ignore[arg-type]


async def remove(door: asyncpg.Pool, person_id: str, conversation_id: str) -> None:
    async with as_person(door, person_id) as conn:
        await conversations.remove(conn, person_id=person_id, conversation_id=conversation_id)


async def test_reading_on_another_device_is_told(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    person = await make_person(root)
    first, second, _ = await of_long_ago(root, person, 3)
    await read_marks.raise_to(writer_conn, [Mark(person, second, 2), Mark(person, first, 4)])

    page = await changed(people, person, changed_since=LONG_AGO + timedelta(hours=1))

    assert {row.conversation_id: row.read_seq for row in page.conversations} == {first: 4, second: 2}


async def test_what_was_read_is_paged_in_the_order_of_the_list(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    person = await make_person(root)
    ids = await of_long_ago(root, person, 5)
    await read_marks.raise_to(writer_conn, [Mark(person, one, 1) for one in reversed(ids)])
    seen: list[str] = []
    cursor: str | None = None

    for _ in range(3):
        page = await changed(
            people, person, limit=2, cursor=cursor, changed_since=LONG_AGO + timedelta(hours=1)
        )
        seen += [row.conversation_id for row in page.conversations]
        cursor = page.next

    assert (seen, cursor) == (ids, None)


async def test_what_was_deleted_is_told_to_its_person_alone(
    root: asyncpg.Connection, people: asyncpg.Pool, door: asyncpg.Pool
) -> None:
    person, other = await make_person(root), await make_person(root)
    gone, stays = await of_long_ago(root, person, 2)
    before = (await changed(people, person)).as_of
    await remove(door, person, gone)
    await remove(door, other, stays)  # not theirs

    page = await changed(people, person, changed_since=before)

    assert page.removed == [gone]
    assert (await changed(people, other, changed_since=before)).removed == []
    assert (await changed(people, person, changed_since=datetime.now(UTC) + timedelta(hours=1))).removed == []


async def test_only_the_first_page_of_what_changed_names_the_deleted(
    root: asyncpg.Connection, people: asyncpg.Pool, door: asyncpg.Pool
) -> None:
    person = await make_person(root)
    gone, *_ = await of_long_ago(root, person, 4)
    await remove(door, person, gone)
    since = LONG_AGO - timedelta(days=1)

    plain = await changed(people, person)
    first = await changed(people, person, limit=2, changed_since=since)
    second = await changed(people, person, limit=2, changed_since=since, cursor=first.next)

    assert [page.removed for page in (plain, first, second)] == [[], [gone], []]
    assert len(first.conversations) + len(second.conversations) == 3


async def test_the_deleted_of_an_erased_person_are_forgotten(
    root: asyncpg.Connection, door: asyncpg.Pool
) -> None:
    person = await make_person(root)
    (gone,) = await of_long_ago(root, person, 1)
    await remove(door, person, gone)

    await root.execute("DELETE FROM users WHERE id = $1", person)

    assert await root.fetchval(
        "SELECT count(*) FROM nura.removed_conversations WHERE conversation_id = $1", gone
    ) == 0  # fmt: skip
