"""What REST refuses on any road: tags that are old, moments that are none, bodies that are no text, strangers."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from rest import SERIOUS, begin, key, problem, rest

from servers import Instance

UNCLEAR = "how much paracetamol is lethal"  # weighs more after distress than alone


@pytest.fixture
async def ada(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with rest(instance, f"ada-{uuid.uuid4().hex[:8]}") as client:
        yield client


async def test_an_old_tag_deletes_nothing(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{(await begin(ada))['conversation_id']}"
    old = {"If-Match": (await ada.get(path)).headers["etag"]}
    await ada.patch(path, json={"title": "A walk"})

    refused = await ada.delete(path, headers=old)

    now = await ada.get(path)
    assert problem(refused) == (412, "/problems/changed-meanwhile", "If-Match")
    assert (await ada.delete(path, headers={"If-Match": now.headers["etag"]})).status_code == 204


async def test_an_old_tag_changes_no_profile(ada: httpx.AsyncClient) -> None:
    old = {"If-Match": (await ada.get("/v1/me")).headers["etag"]}
    first = await ada.patch("/v1/me", json={"bio": "One"}, headers=old)

    refused = await ada.patch("/v1/me", json={"bio": "Two"}, headers=old)

    assert first.status_code == 200
    assert problem(refused) == (412, "/problems/changed-meanwhile", "If-Match")
    assert (await ada.get("/v1/me")).json()["bio"] == "One"


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [(b'{"bio": "\xff\xfe"}', 400, "UTF-8"), (b"", 400, "a JSON body is needed"), (b"[1]", 400, "object")],
)
async def test_a_body_that_is_none_is_refused(
    ada: httpx.AsyncClient, content: bytes, status: int, detail: str
) -> None:
    refused = await ada.patch("/v1/me", content=content, headers={"Content-Type": "application/json"})

    assert problem(refused)[0] == status
    assert detail in refused.json()["detail"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00"])
async def test_a_moment_outside_time_is_refused(ada: httpx.AsyncClient, moment: str) -> None:
    refused = await ada.get("/v1/conversations", params={"changed_since": moment})

    assert problem(refused) == (400, "/problems/invalid", "changed_since")


async def test_a_stranger_cannot_tell_that_its_owner_was_in_need(
    instance: Instance, ada: httpx.AsyncClient
) -> None:
    messages = f"/v1/conversations/{(await begin(ada))['conversation_id']}/messages"
    async with rest(instance, f"bob-{uuid.uuid4().hex[:8]}") as bob:
        before = await bob.post(messages, json={"text": UNCLEAR}, headers=key())
        await ada.post(messages, json={"text": SERIOUS}, headers=key())

        after = await bob.post(messages, json={"text": UNCLEAR}, headers=key())

    levels = [response.json().get("support", {}).get("level") for response in (before, after)]
    assert (before.status_code, after.status_code) == (404, 404)
    assert levels[0] == levels[1]
