"""What people write of themselves where they sign up, here or at Supabase: found, kept in the same commit, shown."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from house import PASSWORD, House
from identities import somebody
from nura_rt.people.auth_hook import auth_hook_routes
from supabase_hook import KEY, Hook, changed, gone, made, record

SENTENCE = "I am going to kill myself tonight"
OTHER = "I cut myself last night"
LEVELS = "SELECT level FROM nura.crisis_events WHERE user_id = $1 ORDER BY created_at"
KEPT = """
    SELECT e.source, e.level, e.xmin = u.xmin AS with_the_row, n.xmin = u.xmin AS and_the_card
      FROM users u JOIN nura.crisis_events e ON e.user_id = u.id JOIN nura.notices n ON n.user_id = u.id
     WHERE u.id = $1
"""


@pytest.fixture
async def hook(house: House, root: asyncpg.Connection) -> AsyncIterator[Hook]:
    routes = auth_hook_routes(KEY, house.local.pool, house.sessions, house.words, changed=house.note_changed)
    app: Any = Litestar(routes, openapi_config=None, logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nura.test") as http:
        yield Hook(http, root)


async def levels(hook: Hook, person_id: str) -> list[str]:
    return [row["level"] for row in await hook.root.fetch(LEVELS, person_id)]


def telling(row: dict[str, Any], *, second: int, **metadata: Any) -> dict[str, Any]:
    return row | {"updated_at": f"2026-01-02T00:00:{second:02d}Z", "raw_user_meta_data": metadata}


async def test_a_name_at_sign_up_leaves_an_event_and_a_card_in_the_accounts_commit(
    house: House, root: asyncpg.Connection
) -> None:
    email = f"{uuid.uuid4().hex}@b.example"

    answer = await house.ask("sign-up", email=email, password=PASSWORD, display_name=SENTENCE)

    row = await root.fetchrow(
        KEPT.replace("u.xmin", "a.xmin").replace(
            "users u", "users u JOIN nura.accounts a ON a.user_id = u.id"
        ),
        answer.json()["user_id"],
    )
    assert answer.status_code == 201
    assert tuple(row or ()) == ("profile", "critical", True, True)


async def test_a_sign_up_that_is_refused_keeps_nothing(house: House, root: asyncpg.Connection) -> None:
    taken = await house.newcomer()
    before = await root.fetchval("SELECT count(*) FROM nura.crisis_events")

    answer = await house.ask("sign-up", email=taken.email, password=PASSWORD, display_name=SENTENCE)

    assert answer.status_code == 409
    assert await root.fetchval("SELECT count(*) FROM nura.crisis_events") == before


async def test_a_name_from_supabase_leaves_both_in_the_rows_commit_and_is_shown(
    hook: Hook, house: House
) -> None:
    row = record(raw_user_meta_data={"name": SENTENCE})

    await hook.tell(made(row))

    found = await hook.root.fetchrow(KEPT, row["id"])
    assert tuple(found or ()) == ("profile", "critical", True, True)
    assert [card["level"] for card in house.relayed.of_type("support")] == ["critical"]


async def test_metadata_that_comes_again_is_one_cause_and_other_words_are_another(
    hook: Hook, house: House
) -> None:
    row = record()
    await hook.tell(made(telling(row, second=1, name=SENTENCE)))
    for second in (2, 3):  # somebody signs in: the same metadata once more
        await hook.tell(changed(telling(row, second=second, name=SENTENCE)))
    once = await levels(hook, row["id"])

    await hook.tell(changed(telling(row, second=4, name=SENTENCE, about=OTHER)))

    assert once == ["critical"]
    assert len(await levels(hook, row["id"])) == 2
    assert len(house.relayed.of_type("support")) == 2


async def test_words_in_any_order_are_found(hook: Hook) -> None:
    row = record()
    first, second = telling(row, second=1, name=SENTENCE), telling(row, second=2, name=SENTENCE)

    results = [await hook.tell(changed(second)), await hook.tell(made(first))]

    assert results == ["applied", "superseded"]
    assert await levels(hook, row["id"]) == ["critical"]


async def test_who_came_with_a_token_before_is_found_too(hook: Hook, house: House) -> None:
    known = somebody(source="supabase")
    await house.sessions.seen(known)

    await hook.tell(made(record(known.user_id, raw_user_meta_data={"full_name": SENTENCE})))

    assert await levels(hook, known.user_id) == ["critical"]


async def test_who_is_deleted_is_worried_about_no_more(hook: Hook) -> None:
    row = record(raw_user_meta_data={"name": SENTENCE})

    await hook.tell(gone(row))
    await hook.tell(made(row))

    assert await levels(hook, row["id"]) == []


async def test_metadata_as_deep_as_it_can_be_is_read(hook: Hook) -> None:
    deep: Any = SENTENCE
    for _ in range(300):
        deep = [deep]
    row = record(raw_user_meta_data={"a": deep})

    await hook.tell(made(row))

    assert await levels(hook, row["id"]) == ["critical"]
