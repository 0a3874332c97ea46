"""Whatever is written while somebody pages: no row is lost, none comes twice unless it changed meanwhile."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from databases import Database
from nura_rt.chat import conversation_routes, message_routes
from nura_rt.chat.message_routes import Page
from nura_rt.pipeline.turn import LEVELS
from nura_rt.store import batch, pool
from rows import make_conversation, make_person, turn

STEPS = st.lists(st.sampled_from(["insert", "touch oldest", "touch newest", "late"]), max_size=2)
LITTLE = effort(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
async def people(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await pool.open_pool(database.url, "nura_app", smallest=1, largest=2)
    yield opened
    opened.terminate()


class Meanwhile:
    """What happens to the person's conversations between two pages. A late change is begun, and commits after."""

    def __init__(self, root: asyncpg.Connection, database: Database, person_id: str) -> None:
        self._root = root
        self._database = database
        self._person_id = person_id
        self._late: asyncpg.Connection | None = None

    async def happens(self, step: str) -> None:
        if step == "insert":
            await make_conversation(self._root, self._person_id)
        elif step == "late" and self._late is None:
            self._late = await asyncpg.connect(self._database.admin_url)
            await self._late.execute("BEGIN")
            await self._touch(self._late, "ASC OFFSET 1")
        elif step.startswith("touch"):
            await self._touch(self._root, "ASC" if step == "touch oldest" else "DESC")

    async def _touch(self, conn: asyncpg.Connection, order: str) -> None:
        await conn.execute(
            f"""
            UPDATE conversations SET title = gen_random_uuid()::text
             WHERE id = (SELECT id FROM conversations WHERE user_id = $1
                         ORDER BY updated_at {order} LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
            """.replace("OFFSET 1 LIMIT 1", "LIMIT 1 OFFSET 1"),
            self._person_id,
        )

    async def ends(self) -> None:
        if self._late is not None:
            await self._late.execute("COMMIT")
            await self._late.close()


async def backdated(root: asyncpg.Connection, person_id: str, count: int) -> None:
    """Conversations of long ago, pairs of them with the same moment."""
    await root.execute(
        """
        INSERT INTO conversations (user_id, updated_at)
        SELECT $1, now() - interval '1 day' - (n / 2) * interval '1 hour' FROM generate_series(1, $2) n
        """,
        person_id,
        count,
    )


@LITTLE
@given(
    count=st.integers(0, 9),
    limit=st.integers(1, 4),
    before=STEPS,  # a change that begins before the first page may commit after the last one
    steps=st.lists(STEPS, max_size=10),
)
async def test_the_pages_and_what_changed_since_are_the_whole_list(
    root: asyncpg.Connection, database: Database, people: asyncpg.Pool, count: int, limit: int,
    before: list[str], steps: list[list[str]],
) -> None:  # fmt: skip
    person_id = await make_person(root)
    await backdated(root, person_id, count)
    meanwhile = Meanwhile(root, database, person_id)
    as_of: datetime | None = None
    seen: list[tuple[str, datetime]] = []
    latest: dict[str, datetime] = {}

    async def walk(steps: list[list[str]], **since: Any) -> None:
        nonlocal as_of
        cursor: str | None = None
        while True:
            page = await conversation_routes.page_of(people, person_id, limit=limit, cursor=cursor, **since)
            as_of = as_of or page.as_of
            seen.extend((line.conversation_id, line.updated_at) for line in page.conversations)
            latest.update({line.conversation_id: line.updated_at for line in page.conversations})
            if page.next is None:
                return
            cursor = page.next
            for step in steps.pop(0) if steps else []:
                await meanwhile.happens(step)

    for step in before:
        await meanwhile.happens(step)
    await walk(list(steps))
    once = seen.copy()
    await meanwhile.ends()
    await walk([], changed_since=as_of)

    rows = await root.fetch("SELECT id, updated_at FROM conversations WHERE user_id = $1", person_id)
    assert latest == {row["id"]: row["updated_at"] for row in rows}
    assert len(once) == len(set(once))


@LITTLE
@given(count=st.integers(0, 12), limit=st.integers(1, 5), growth=st.lists(st.integers(0, 3), max_size=10))
@pytest.mark.parametrize("down", [True, False])
async def test_messages_are_paged_gapless_in_both_directions_while_more_are_written(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, people: asyncpg.Pool, down: bool, count: int,
    limit: int, growth: list[int],
) -> None:  # fmt: skip
    person_id = await make_person(root)
    conversation_id = await make_conversation(root, person_id)

    async def write(number: int) -> None:
        rows = [turn(person_id, conversation_id, content=str(n)) for n in range(number)]
        if rows:
            await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=30)

    async def read(before: int | None, after: int | None) -> Page:
        page = await message_routes.page_of(
            people, person_id, conversation_id, before=before, after=after, limit=limit
        )
        assert page is not None
        return page

    await write(count)
    seqs: list[int] = []
    page = await read(None, None if down else 0)
    while True:
        found = [line.seq for line in page.messages]
        seqs = found + seqs if down else seqs + found
        if not page.more:
            break
        await write(growth.pop(0) if growth else 0)
        page = await read(found[0], None) if down else await read(None, found[-1])

    head = await root.fetchval("SELECT last_seq FROM conversations WHERE id = $1", conversation_id)
    assert seqs == list(range(1, (count if down else head) + 1))
    assert page.head == head


async def test_another_persons_pages_are_empty_or_nothing(
    root: asyncpg.Connection, people: asyncpg.Pool
) -> None:
    owner, stranger = await make_person(root), await make_person(root)
    conversation_id = await make_conversation(root, owner)

    listed = await conversation_routes.page_of(people, stranger, limit=10)

    for strange in (conversation_id, str(uuid.uuid4()), "a b"):
        assert (
            await message_routes.page_of(people, stranger, strange, before=None, after=None, limit=5) is None
        )
    assert listed.conversations == []
