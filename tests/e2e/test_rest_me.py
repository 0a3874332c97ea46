"""/v1/me: what a person says of themselves and allows, read back at once; words screened before they are kept."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from rest import SERIOUS, problem, rest

from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses
from peers import peer
from servers import Instance

EVENTS = "SELECT source, level, conversation_id FROM nura.crisis_events WHERE user_id = $1"
PREFERENCES = "/v1/me/service-profiles"


@pytest.fixture
def name() -> str:
    return f"person-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def me(instance: Instance, name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with rest(instance, name) as client:
        yield client


async def test_a_new_person_has_nothing_said_and_the_privacy_asked_for_least(
    me: httpx.AsyncClient, name: str
) -> None:
    profile = (await me.get("/v1/me")).json()

    profile.pop("created_at")
    assert profile == {
        "user_id": person_id(name),
        "email": None,
        "email_confirmed": False,
        "phone_number": None,
        "phone_confirmed": False,
        "full_name": None,
        "display_name": None,
        "bio": None,
        "avatar_url": None,
        "current_streak": 0,
        "xp": 0,
        "privacy_settings": {
            "memory": True,
            "voice_summaries": True,
            "care_sharing": False,
            "analytics": False,
            "retention_days": None,
        },
    }


async def test_the_profile_shows_what_the_row_says(
    me: httpx.AsyncClient, name: str, admin: asyncpg.Connection
) -> None:
    await me.get("/v1/conversations")
    await admin.execute(
        """
        UPDATE users SET email = $2, phone_number = '+15555550100', email_confirmed_at = now(),
                         phone_confirmed_at = now(), xp = 7, current_streak = 3 WHERE id = $1
        """,
        person_id(name),
        f"{name}@example.org",
    )

    profile = (await me.get("/v1/me")).json()

    assert (profile["email"], profile["phone_number"]) == (f"{name}@example.org", "+15555550100")
    assert (profile["email_confirmed"], profile["phone_confirmed"]) == (True, True)
    assert (profile["xp"], profile["current_streak"]) == (7, 3)


async def test_a_change_is_a_merge_patch_and_shows_at_once(me: httpx.AsyncClient) -> None:
    await me.get("/v1/me")
    first = {
        "display_name": " Ada ",
        "full_name": "Ada L",
        "bio": "Walks",
        "avatar_url": "https://x.example/a.png",
    }
    changed = (await me.patch("/v1/me", json=first)).json()
    read = (await me.get("/v1/me")).json()

    await me.patch("/v1/me", json={"bio": None, "avatar_url": None})

    cleared = (await me.get("/v1/me")).json()
    assert changed == read
    assert (read["display_name"], read["avatar_url"]) == ("Ada", "https://x.example/a.png")
    assert (cleared["display_name"], cleared["bio"], cleared["avatar_url"]) == ("Ada", None, None)


async def test_changes_at_once_do_not_lose_one_another(me: httpx.AsyncClient) -> None:
    await me.get("/v1/me")
    changes: list[dict[str, Any]] = [{"bio": "b"}, {"full_name": "f"}, {"display_name": "d"}]
    changes += [{"privacy_settings": {name: True}} for name in ("care_sharing", "analytics")]

    answers = await asyncio.gather(*(me.patch("/v1/me", json=change) for change in changes * 3))

    now = (await me.get("/v1/me")).json()
    assert {answer.status_code for answer in answers} == {200}
    assert (now["bio"], now["full_name"], now["display_name"]) == ("b", "f", "d")
    assert (now["privacy_settings"]["care_sharing"], now["privacy_settings"]["analytics"]) == (True, True)


async def test_privacy_switches_merge_and_what_else_is_stored_stays(
    me: httpx.AsyncClient, name: str, admin: asyncpg.Connection
) -> None:
    await me.get("/v1/me")
    await admin.execute(
        """UPDATE users SET privacy_settings = '{"theirs": 1}' WHERE id = $1""", person_id(name)
    )
    await me.patch("/v1/me", json={"privacy_settings": {"memory": False, "retention_days": 90}})

    changed = await me.patch("/v1/me", json={"privacy_settings": {"memory": None, "analytics": True}})

    stored = await admin.fetchval(
        "SELECT privacy_settings::jsonb::text FROM users WHERE id = $1", person_id(name)
    )
    assert changed.json()["privacy_settings"] == {
        "memory": True, "voice_summaries": True, "care_sharing": False, "analytics": True, "retention_days": 90,
    }  # fmt: skip
    assert stored == '{"theirs": 1, "analytics": true, "retention_days": 90}'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"display_name": "x" * 101}, "display_name"),
        ({"full_name": 1}, "full_name"),
        ({"bio": "x" * 2_001}, "bio"),
        ({"avatar_url": "http://plain.example/a.png"}, "avatar_url"),
        ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
        ({"email": "other@example.org"}, "email"),
        ({"xp": 1_000}, "xp"),
        ({"privacy_settings": {"retention_days": 29}}, "privacy_settings.retention_days"),
        ({"privacy_settings": {"memory": "no"}}, "privacy_settings.memory"),
        ({"privacy_settings": {"telepathy": True}}, "telepathy"),
        ({"privacy_settings": []}, "privacy_settings"),
    ],
)
async def test_a_bad_field_is_named_with_its_rule(
    me: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await me.patch("/v1/me", json=body)

    assert problem(response) == (400, "/problems/invalid", field)
    assert response.json()["rule"]


async def test_who_has_the_profile_gets_304(me: httpx.AsyncClient) -> None:
    tag = {"If-None-Match": (await me.get("/v1/me")).headers["etag"]}

    unchanged = await me.get("/v1/me", headers=tag)
    await me.patch("/v1/me", json={"bio": "New"})
    changed = await me.get("/v1/me", headers=tag)

    assert (unchanged.status_code, unchanged.content, changed.status_code) == (304, b"", 200)


async def test_preferences_are_replaced_whole_and_listed_by_service(me: httpx.AsyncClient) -> None:
    await me.put(f"{PREFERENCES}/voice", json={"service_preferences": {"pace": "slow"}})
    await me.get(PREFERENCES)
    await me.put(f"{PREFERENCES}/chat", json={"service_preferences": {"a": [1, {"b": None}]}})

    put = await me.put(f"{PREFERENCES}/voice", json={"service_preferences": {"voice": "calm"}})

    listed = (await me.get(PREFERENCES)).json()["service_profiles"]
    assert put.json() == listed[1]
    assert [(one["service_type"], one["service_preferences"]) for one in listed] == [
        ("chat", {"a": [1, {"b": None}]}),
        ("voice", {"voice": "calm"}),
    ]
    assert listed[1]["created_at"] < listed[1]["updated_at"]


@pytest.mark.parametrize(
    ("service", "preferences", "field"),
    [
        ("Chat", {}, "service_type"),
        ("x" * 33, {}, "service_type"),
        ("chat", [], "service_preferences"),
        ("chat", "calm", "service_preferences"),
        ("chat", {"a": "x" * 9_000}, "service_preferences"),
        ("chat", {"a": [[[[[1]]]]]}, "service_preferences"),
        ("chat", {"a\x00": 1}, "service_preferences"),
    ],
)
async def test_preferences_have_bounds(
    me: httpx.AsyncClient, service: str, preferences: Any, field: str
) -> None:
    response = await me.put(f"{PREFERENCES}/{service}", json={"service_preferences": preferences})

    assert problem(response) == (400, "/problems/invalid", field)
    assert response.json()["rule"]


async def test_a_body_nested_thousands_deep_is_refused(me: httpx.AsyncClient) -> None:
    body = b'{"service_preferences": {"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}"

    response = await me.put(f"{PREFERENCES}/chat", content=body, headers={"Content-Type": "application/json"})

    assert problem(response)[:2] == (400, "/problems/invalid")


async def test_a_person_has_no_more_than_twenty_services(me: httpx.AsyncClient) -> None:
    for number in range(20):
        await me.put(f"{PREFERENCES}/s{number}", json={"service_preferences": {}})

    more = await me.put(f"{PREFERENCES}/one-more", json={"service_preferences": {}})

    again = await me.put(f"{PREFERENCES}/s3", json={"service_preferences": {"a": 1}})
    assert problem(more) == (409, "/problems/too-many", "service_type")
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/v1/me", {"bio": SERIOUS}),
        ("PATCH", "/v1/me", {"display_name": SERIOUS}),
        ("PATCH", "/v1/me", {"full_name": SERIOUS}),
        ("PUT", f"{PREFERENCES}/chat", {"service_preferences": {"about": ["me", {"note": SERIOUS}]}}),
        ("PUT", f"{PREFERENCES}/chat", {"service_preferences": {SERIOUS: True}}),
    ],
)
async def test_words_that_worry_bring_help_and_an_event(
    instance: Instance, me: httpx.AsyncClient, name: str, admin: asyncpg.Connection, method: str, path: str,
    body: dict[str, Any],
) -> None:  # fmt: skip
    async with peer(instance, name) as device:
        changed = await me.request(method, path, json=body)

        card = await device.hear("support", notice_id=changed.json()["support"]["notice_id"])

    events = await admin.fetch(EVENTS, person_id(name))
    assert changed.status_code == 200
    assert changed.json()["support"] == card
    assert [tuple(event) for event in events] == [("profile", "critical", None)]


async def test_a_cached_profile_is_not_readable_in_redis(me: httpx.AsyncClient, stores: Addresses) -> None:
    canary = f"canary-{uuid.uuid4().hex}"
    await me.patch("/v1/me", json={"bio": canary})
    bodies: list[Any] = []

    async with Redis.from_url(str(stores.redis_url)) as redis, asyncio.timeout(30):
        while not bodies:  # a Redis that takes longer than 0.1 s keeps nothing
            assert (await me.get("/v1/me")).json()["bio"] == canary
            keys = [key async for key in redis.scan_iter("cache:people:me:*")]
            bodies = [await redis.get(key) for key in keys]

    assert not any(canary.encode() in (body or b"") for body in bodies)
