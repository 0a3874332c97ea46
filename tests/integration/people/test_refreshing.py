"""Refresh tokens over the real database: once each, a lost answer forgiven, a stolen one the end."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from databases import Database
from house import SECRET, House
from nura_rt.auth import refresh
from nura_rt.auth.refresh import Succession
from nura_rt.store import sessions

LATER = "UPDATE nura.refresh_tokens SET used_at = used_at - interval '1 day' WHERE user_id = $1"


async def reason(root: asyncpg.Connection, person_id: str) -> Any:
    return await root.fetchval("SELECT end_reason FROM nura.sessions WHERE user_id = $1", person_id)


async def test_the_next_tokens_belong_to_the_same_session_and_sign_in(house: House) -> None:
    person = await house.newcomer()
    first = house.tokens.verify(person.access_token)

    answer = (await house.ask("refresh", refresh_token=person.refresh_token)).json()

    second = house.tokens.verify(answer["access_token"])
    assert (second.user_id, second.session_id) == (first.user_id, first.session_id)
    assert second.signed_in_at == first.signed_in_at
    assert second.email == person.email
    assert answer["refresh_token"] != person.refresh_token


async def test_a_lost_answer_is_given_again_however_late(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    lost = (await house.ask("refresh", attempt="one", refresh_token=person.refresh_token)).json()
    await root.execute(LATER, person.user_id)

    again = (await house.ask("refresh", attempt="one", refresh_token=person.refresh_token)).json()

    assert again["refresh_token"] == lost["refresh_token"]
    assert (await house.ask("refresh", refresh_token=again["refresh_token"])).status_code == 200


@pytest.mark.parametrize(("first", "second"), [(None, None), ("one", "two"), ("one", None), (None, "one")])
async def test_a_used_token_that_comes_again_ends_the_session_at_once(
    house: House, root: asyncpg.Connection, first: str | None, second: str | None
) -> None:
    person = await house.newcomer()
    answer = await house.ask("refresh", attempt=first, refresh_token=person.refresh_token)
    newest = answer.json()["refresh_token"]

    stolen = await house.ask("refresh", attempt=second, refresh_token=person.refresh_token)

    assert stolen.status_code == 401
    assert await reason(root, person.user_id) == "reused"
    assert (await house.ask("refresh", refresh_token=newest)).status_code == 401


async def test_a_used_token_whose_successor_was_used_ends_the_session_at_once(
    house: House, root: asyncpg.Connection
) -> None:
    person = await house.newcomer()
    asked = {"attempt": "one", "refresh_token": person.refresh_token}
    second = (await house.ask("refresh", **asked)).json()["refresh_token"]
    await house.ask("refresh", refresh_token=second)

    stolen = await house.ask("refresh", **asked)

    assert stolen.status_code == 401
    assert await reason(root, person.user_id) == "reused"


async def test_an_ended_session_closes_to_its_access_token_too(house: House) -> None:
    person = await house.newcomer()
    second = (await house.ask("refresh", refresh_token=person.refresh_token)).json()["refresh_token"]
    await house.ask("refresh", refresh_token=second)
    await house.ask("refresh", refresh_token=person.refresh_token)

    await house.sessions.ask()  # the app does each second

    assert (await house.ask("resend-verification", bearer=person.access_token)).status_code == 401


async def test_many_at_once_get_one_successor(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()

    answers = await asyncio.gather(
        *[house.ask("refresh", attempt="one", refresh_token=person.refresh_token) for _ in range(12)]
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    count = "SELECT count(*) FROM nura.refresh_tokens WHERE user_id = $1 AND used_at IS NULL"
    assert await root.fetchval(count, person.user_id) == 1


async def test_a_session_that_ends_in_this_moment_is_not_renewed(
    house: House, root: asyncpg.Connection, database: Database
) -> None:
    """Whoever refreshes waits for whoever ends, and believes them."""
    person = await house.newcomer()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ender = await asyncpg.connect(database.admin_url)
    async with ender.transaction():
        await sessions.end_all(ender, person.user_id, keep=None, reason="revoked")
        renewal = asyncio.ensure_future(house.ask("refresh", refresh_token=person.refresh_token))
        for _ in range(1_000):
            if await root.fetchval(waits):
                break
            await asyncio.sleep(0.01)
    await ender.close()

    answer = await renewal

    assert answer.status_code == 401
    assert await reason(root, person.user_id) == "revoked"


async def test_an_unused_token_grows_old(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await root.execute("UPDATE nura.refresh_tokens SET expires_at = now() WHERE user_id = $1", person.user_id)

    answer = await house.ask("refresh", refresh_token=person.refresh_token)

    assert answer.status_code == 401
    assert await reason(root, person.user_id) is None


async def test_whoever_refreshes_stays_signed_in(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await root.execute(
        "UPDATE nura.sessions SET expires_at = now() + interval '1 minute' WHERE user_id = $1", person.user_id
    )

    await house.ask("refresh", refresh_token=person.refresh_token)

    left = "SELECT expires_at - now() > interval '29 days' FROM nura.sessions WHERE user_id = $1"
    assert await root.fetchval(left, person.user_id)


async def test_a_deleted_person_is_not_renewed(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await root.execute("UPDATE users SET deleted_at = now() WHERE id = $1", person.user_id)

    answer: httpx.Response = await house.ask("refresh", refresh_token=person.refresh_token)

    assert answer.status_code == 401


async def test_only_digests_are_stored(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await house.ask("refresh", refresh_token=person.refresh_token)

    stored = await root.fetch("SELECT token_hash FROM nura.refresh_tokens WHERE user_id = $1", person.user_id)

    both = [person.refresh_token, Succession(SECRET).after(person.refresh_token)]
    assert {row["token_hash"] for row in stored} == {refresh.digest(token) for token in both}


async def test_nonsense_is_refused_like_an_unknown_token(house: House) -> None:
    answers = [
        await house.ask("refresh", refresh_token=token)
        for token in ("", "x", "é" * 43, "\0" * 43, refresh.first(), "x" * 10_000)
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
