"""DELETE of a message over HTTP, and pages with holes where messages were."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from databases import Database
from nura_rt.auth.tokens import Identity
from nura_rt.chat import message_routes
from nura_rt.conversation.create import Written
from nura_rt.conversation.removal import Removal
from nura_rt.pipeline.turn import LEVELS
from nura_rt.problems import EXCEPTION_HANDLERS
from nura_rt.realtime.pace import Pace
from nura_rt.store import batch, pool
from nura_rt.store.batch import Row
from relayed import Relayed
from rows import make_conversation, make_person, turn

# All our routes name path parameters so; a server of its own shows the warning to nobody.
pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


class Trusting:
    """Where `Identify` stands: the token is the person."""

    trusted = ()

    async def __call__(self, token: str, **_: object) -> Identity:
        return Identity(user_id=token, session_id="s", email=None, expires_at=0.0, issued_at=0.0)


@pytest.fixture
async def pools(database: Database) -> AsyncIterator[tuple[asyncpg.Pool, asyncpg.Pool]]:
    """The door's and the people's."""
    opened = [
        await pool.open_pool(database.url, role, smallest=1, largest=2) for role in ("nura_door", "nura_app")
    ]
    yield opened[0], opened[1]
    for one in opened:
        one.terminate()


@pytest.fixture
async def client(pools: tuple[asyncpg.Pool, asyncpg.Pool]) -> AsyncIterator[httpx.AsyncClient]:
    identify: Any = Trusting()
    route = message_routes.removal_route(
        identify, Removal(Written(*pools, Relayed().hub)), Pace(per_s=100, burst=100)
    )
    app: Any = Litestar([route], openapi_config=None, exception_handlers=EXCEPTION_HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nura") as made:
        yield made


async def kept(root: asyncpg.Connection, writer_conn: asyncpg.Connection, count: int) -> list[Row]:
    person = await make_person(root)
    conversation = await make_conversation(root, person)
    rows = [turn(person, conversation, content=f"words {n}") for n in range(1, count + 1)]
    await batch.keep(writer_conn, rows, levels=LEVELS, lease_s=30)
    return rows


def path(row: Row) -> str:
    return f"/v1/conversations/{row.conversation_id}/messages/{row.message_id}"


async def remove(client: httpx.AsyncClient, row: Row, *, who: str | None = None) -> httpx.Response:
    return await client.delete(path(row), headers={"Authorization": f"Bearer {who or row.person_id}"})


async def test_a_removal_is_answered_with_both_seqs_each_time(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    rows = await kept(root, writer_conn, 3)

    answers = [await remove(client, rows[1]) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"seq": 4, "removed_seq": 2})
    ] * 2


async def test_another_persons_message_looks_like_a_missing_one(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    (row,) = await kept(root, writer_conn, 1)
    stranger = await make_person(root)
    missing = turn(row.person_id, row.conversation_id)
    unsayable = turn(row.person_id, row.conversation_id, message_id="not%20an%20id")

    answers = [
        await remove(client, row, who=stranger),
        await remove(client, missing),
        await remove(client, unsayable),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 10])
async def test_pages_go_past_the_holes_that_removals_leave(
    root: asyncpg.Connection, writer_conn: asyncpg.Connection, client: httpx.AsyncClient,
    pools: tuple[asyncpg.Pool, asyncpg.Pool], limit: int,
) -> None:  # fmt: skip
    rows = await kept(root, writer_conn, 8)
    for place in (0, 2, 3, 4, 7):
        assert (await remove(client, rows[place])).status_code == 200
    left = ["words 2", "words 6", "words 7"]

    async def walk(**start: int) -> list[str]:
        seen: list[str] = []
        asked: dict[str, int | None] = {"before": None, "after": None, **start}
        more = True
        while more:
            page = await message_routes.page_of(
                pools[1], rows[0].person_id, rows[0].conversation_id, limit=limit, **asked
            )
            assert page is not None
            assert page.head == 13
            assert len(page.messages) == min(limit, len(left) - len(seen))
            texts = [message.text for message in page.messages]
            seen = seen + texts if "after" in start else texts + seen
            asked = (
                {"before": None, "after": page.messages[-1].seq}
                if "after" in start
                else {"before": page.messages[0].seq, "after": None}
            )
            more = page.more
        return seen

    assert await walk(after=0) == left
    assert await walk(before=100) == left
