"""Conversations over REST: once per key, listed, changed, deleted; other devices hear of it; words are screened."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from rest import SERIOUS, begin, key, problem, rest

from peers import peer
from servers import Instance

EVENTS = "SELECT source, level FROM nura.crisis_events WHERE conversation_id = $1 ORDER BY created_at, source"


@pytest.fixture
async def ada(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with rest(instance, "ada") as client:
        yield client


async def test_a_conversation_is_made_once_per_key(ada: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
    once = key()
    form = {"title": "A walk", "description": "By the sea", "session_type": "checkup"}
    first = await ada.post("/v1/conversations", json=form, headers=once)

    again = await ada.post("/v1/conversations", json={"title": "Another"}, headers=once)

    made = first.json()
    row = await admin.fetchrow("SELECT * FROM conversations WHERE id = $1", made["conversation_id"])
    assert row is not None
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**made, "duplicate": True}
    assert {name: made[name] for name in form} == form
    assert {name: row[name] for name in form} == form
    assert (made["status"], made["head"], row["client_id"]) == ("active", 0, once["Idempotency-Key"])


async def test_the_socket_and_rest_share_their_keys(instance: Instance, ada: httpx.AsyncClient) -> None:
    once = uuid.uuid4().hex
    async with peer(instance, "ada") as socket:
        ref = await socket.say("conversation.create", client_id=once)
        created = await socket.hear("conversation.created", ref=ref)

    again = await ada.post("/v1/conversations", json={}, headers={"Idempotency-Key": once})

    assert (again.status_code, again.json()["conversation_id"]) == (200, created["conversation_id"])


@pytest.mark.parametrize("given", [None, "", "with space", "x" * 65, "é"])
async def test_a_post_needs_a_good_key(ada: httpx.AsyncClient, given: str | None) -> None:
    headers = {} if given is None else {b"Idempotency-Key": given.encode()}

    response = await ada.post("/v1/conversations", json={}, headers=headers)

    assert problem(response) == (400, "/problems/invalid", "Idempotency-Key")
    assert response.json()["rule"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "x" * 201}, "title"),
        ({"title": 5}, "title"),
        ({"description": "x" * 2_001}, "description"),
        ({"session_type": "party"}, "session_type"),
        ({"status": "active"}, "status"),
    ],
)
async def test_a_bad_field_is_named_with_its_rule(
    ada: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    response = await ada.post("/v1/conversations", json=body, headers=key())

    assert problem(response) == (400, "/problems/invalid", field)
    assert response.json()["rule"]


async def test_a_change_is_a_merge_patch(ada: httpx.AsyncClient) -> None:
    made = await begin(ada, title="A walk", description="By the sea")
    path = f"/v1/conversations/{made['conversation_id']}"

    renamed = (await ada.patch(path, json={"title": "A run"})).json()
    cleared = (await ada.patch(path, json={"description": None})).json()
    same = (await ada.patch(path, json={})).json()

    assert (renamed["title"], renamed["description"]) == ("A run", "By the sea")
    assert (cleared["title"], cleared["description"]) == ("A run", None)
    assert same == cleared == (await ada.get(path)).json()
    assert made["updated_at"] < renamed["updated_at"] < cleared["updated_at"]


async def test_a_conversation_is_archived_and_comes_back_but_an_ended_one_stays(
    ada: httpx.AsyncClient,
) -> None:
    path = f"/v1/conversations/{(await begin(ada))['conversation_id']}"

    answers = [
        await ada.patch(path, json={"status": status})
        for status in ("archived", "active", "ended", "ended", "active", "archived")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 409, 409]
    assert problem(answers[4]) == (409, "/problems/ended", "status")
    assert (await ada.get(path)).json()["status"] == "ended"
    assert (await ada.patch(path, json={"title": "Its name"})).status_code == 200


async def test_nobody_is_kept_from_writing_by_a_status(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{(await begin(ada))['conversation_id']}"
    await ada.patch(path, json={"status": "ended"})

    said = await ada.post(f"{path}/messages", json={"text": "One more thing"}, headers=key())

    assert said.status_code == 201


async def test_a_change_with_if_match_writes_only_over_what_was_read(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{(await begin(ada, title='A walk'))['conversation_id']}"
    tag = {"If-Match": (await ada.get(path)).headers["etag"]}

    first = await ada.patch(path, json={"title": "A run"}, headers=tag)
    late = await ada.patch(path, json={"title": "A swim"}, headers=tag)

    assert first.status_code == 200
    assert problem(late) == (412, "/problems/changed-meanwhile", "If-Match")
    assert (await ada.get(path)).json()["title"] == "A run"


async def test_of_many_changes_with_one_tag_one_is_written(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{(await begin(ada))['conversation_id']}"
    tag = {"If-Match": (await ada.get(path)).headers["etag"]}

    answers = await asyncio.gather(
        *(ada.patch(path, json={"title": f"Number {number}"}, headers=tag) for number in range(8))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_who_has_what_is_read_gets_304(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{(await begin(ada))['conversation_id']}"
    tag = (await ada.get(path)).headers["etag"]

    unchanged = await ada.get(path, headers={"If-None-Match": tag})
    await ada.patch(path, json={"title": "Another"})
    changed = await ada.get(path, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200


async def test_the_list_has_pages_filters_and_what_changed_since(instance: Instance) -> None:
    async with rest(instance, f"lister-{uuid.uuid4().hex[:6]}") as client:
        made = [(await begin(client, title=str(number)))["conversation_id"] for number in range(5)]
        await client.patch(f"/v1/conversations/{made[1]}", json={"status": "archived"})
        first = (await client.get("/v1/conversations?limit=2")).json()

        second = (await client.get(f"/v1/conversations?limit=2&cursor={first['next']}")).json()
        third = (await client.get(f"/v1/conversations?limit=2&cursor={second['next']}")).json()
        archived = (await client.get("/v1/conversations?status=archived")).json()
        later = (
            await client.get("/v1/conversations", params={"changed_since": "2999-01-01T00:00:00Z"})
        ).json()

    paged = [line["conversation_id"] for page in (first, second, third) for line in page["conversations"]]
    assert paged == [made[1], *reversed(made[2:]), made[0]]
    assert "next" not in third
    assert [line["conversation_id"] for line in archived["conversations"]] == [made[1]]
    assert later["conversations"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=MjAyNi0xMS0yMiB4", "cursor"),
        ("changed_since=2026-11-22T10:00:00", "changed_since"),
        ("changed_since=yesterday", "changed_since"),
        ("status=lost", "status"),
        ("limit=0", "limit"),
    ],
)
async def test_a_bad_list_names_the_field(ada: httpx.AsyncClient, query: str, field: str) -> None:
    response = await ada.get(f"/v1/conversations?{query}")

    assert problem(response) == (400, "/problems/invalid", field)


async def test_other_devices_hear_of_every_change(instance: Instance, ada: httpx.AsyncClient) -> None:
    async with peer(instance, "ada") as device, peer(instance, "somebody else") as stranger:
        made = await begin(ada, title="A walk")
        path = f"/v1/conversations/{made['conversation_id']}"
        begun = await device.hear("conversation.changed")
        renamed = (await ada.patch(path, json={"title": "A run"})).json()
        changed = await device.hear("conversation.changed")
        await ada.delete(path)

        removed = await device.hear("conversation.removed")

        heard_elsewhere = await stranger.silence(for_s=0.2)
    assert begun["conversation"] == made
    assert changed["conversation"] == renamed
    assert removed["conversation_id"] == made["conversation_id"]
    assert [frame for frame in heard_elsewhere if frame["type"] != "presence"] == []


async def test_what_is_deleted_is_gone_for_everyone_and_its_sockets_are_free(
    instance: Instance, ada: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    conversation = (await begin(ada))["conversation_id"]
    path = f"/v1/conversations/{conversation}"
    async with peer(instance, "ada") as device:
        await device.join(conversation)
        await device.send(conversation, "hello")
        await device.hear("reply.ended")
        deleted = await ada.delete(path)
        await device.hear("conversation.removed", conversation_id=conversation)
        await device.say("ping", t=1)

        heads = (await device.hear("pong"))["heads"]

        ref = await device.say(
            "message.send", conversation_id=conversation, client_id="late", text="still there?"
        )
        late = await device.hear("error", ref=ref)
    left = await admin.fetchval("SELECT count(*) FROM messages WHERE conversation_id = $1", conversation)
    assert (deleted.status_code, deleted.content, left) == (204, b"", 0)
    assert heads == {}
    assert late["code"] == "not_found"
    assert [problem(await call(path)) for call in (ada.get, ada.delete)] == [
        (404, "/problems/not-found", None)
    ] * 2


async def test_a_deletion_tried_again_is_told_again(instance: Instance, ada: httpx.AsyncClient) -> None:
    """Who deleted it may have died between its commit and telling the others."""
    room = (await begin(ada))["conversation_id"]
    first = await ada.delete(f"/v1/conversations/{room}")
    async with peer(instance, "ada") as other:
        again = await ada.delete(f"/v1/conversations/{room}")

        await other.hear("conversation.removed", conversation_id=room)

    assert (first.status_code, again.status_code) == (204, 404)


async def test_anothers_conversation_can_neither_be_read_changed_nor_deleted(
    instance: Instance, ada: httpx.AsyncClient
) -> None:
    made = await begin(ada, title="Mine alone")
    paths = [f"/v1/conversations/{one}" for one in (made["conversation_id"], uuid.uuid4(), "a b", "%00")]
    async with rest(instance, "somebody else") as stranger:
        answers = [
            (
                await stranger.get(path),
                await stranger.patch(path, json={"title": "Yours"}),
                await stranger.delete(path),
            )
            for path in paths
        ]

    assert {problem(answer) for three in answers for answer in three} == {(404, "/problems/not-found", None)}
    assert (await ada.get(paths[0])).json()["title"] == "Mine alone"


@pytest.mark.parametrize("field", ["title", "description"])
async def test_words_that_worry_bring_help_and_an_event_in_the_same_commit(
    instance: Instance, ada: httpx.AsyncClient, admin: asyncpg.Connection, field: str
) -> None:
    async with peer(instance, "ada") as device:
        made = await begin(ada, **{field: SERIOUS})
        first_card = await device.hear("support", notice_id=made["support"]["notice_id"])
        path = f"/v1/conversations/{made['conversation_id']}"
        calm = await ada.patch(path, json={field: "A walk"})
        changed = await ada.patch(path, json={field: SERIOUS})

        second_card = await device.hear("support", notice_id=changed.json()["support"]["notice_id"])

    events = await admin.fetch(EVENTS, made["conversation_id"])
    assert made["support"] == first_card
    assert changed.json()["support"] == second_card
    assert "support" not in calm.json()
    assert (made["crisis_level"], first_card["conversation_id"]) == ("critical", made["conversation_id"])
    assert [tuple(event) for event in events] == [(field, "critical")] * 2


async def test_a_worrying_name_raises_the_level_and_a_calm_one_does_not_lower_it(
    ada: httpx.AsyncClient,
) -> None:
    path = f"/v1/conversations/{(await begin(ada, title='A walk'))['conversation_id']}"
    levels = [
        (await ada.patch(path, json={"title": title})).json()["crisis_level"] for title in (SERIOUS, "A walk")
    ]

    assert levels == ["critical", "critical"]
