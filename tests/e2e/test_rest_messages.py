"""Messages over REST: pages both ways, and sends that walk the same intake as the socket's."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from rest import SERIOUS, begin, key, problem, rest

from peers import peer
from servers import RAISED, Instance, StartInstance

KEPT = "SELECT content, processed_content, crisis_indicators ->> 'level' AS level FROM messages WHERE id = $1"


@pytest.fixture
async def ada(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with rest(instance, "ada") as client:
        yield client


async def room(client: httpx.AsyncClient) -> str:
    """The address of a new conversation's messages."""
    return f"/v1/conversations/{(await begin(client))['conversation_id']}/messages"


async def test_a_message_said_over_rest_reaches_the_sockets_and_is_answered(
    instance: Instance, ada: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    conversation = (await begin(ada))["conversation_id"]
    async with peer(instance, "ada") as device:
        await device.join(conversation)
        said = await ada.post(
            f"/v1/conversations/{conversation}/messages",
            json={"text": "My number is 555-0142 and I slept"},
            headers={"Idempotency-Key": "k1"},
        )

        heard = await device.hear("message", role="user")

        reply = await device.hear("message", role="assistant")
    kept = said.json()
    row = await admin.fetchrow(KEPT, kept["message_id"])
    assert row is not None
    assert (said.status_code, kept["seq"], kept["duplicate"]) == (201, 1, False)
    assert (heard["message_id"], heard["client_id"], heard["seq"]) == (kept["message_id"], "k1", 1)
    assert reply["reply_to"] == kept["message_id"]
    assert ("555-0142" in row["content"], "555-0142" in row["processed_content"]) == (True, False)


async def test_a_repeat_gets_the_original_answer_and_its_text_is_ignored(
    ada: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    path, once = await room(ada), key()

    answers = await asyncio.gather(
        *(ada.post(path, json={"text": f"try {n}"}, headers=once) for n in range(5))
    )

    said = {(answer.json()["message_id"], answer.json()["seq"]) for answer in answers}
    count = await admin.fetchval(
        "SELECT count(*) FROM messages WHERE client_id = $1", once["Idempotency-Key"]
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    assert {answer.json()["duplicate"] for answer in answers if answer.status_code == 200} == {True}
    assert (len(said), count) == (1, 1)


async def test_words_that_worry_bring_help_with_the_answer_and_to_the_sockets(
    instance: Instance, ada: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    path = await room(ada)
    async with peer(instance, "ada") as device:
        said = await ada.post(path, json={"text": SERIOUS}, headers=key())

        card = await device.hear("support", notice_id=said.json()["support"]["notice_id"])

    event = await admin.fetchval(
        "SELECT level FROM nura.crisis_events WHERE message_id = $1", said.json()["message_id"]
    )
    assert said.json()["support"] == card
    assert card["level"] == event == "critical"


async def test_help_is_shown_even_when_the_message_is_refused(ada: httpx.AsyncClient) -> None:
    path = f"/v1/conversations/{uuid.uuid4()}/messages"

    refused = await ada.post(path, json={"text": SERIOUS}, headers=key())

    assert problem(refused)[0] == 404
    assert refused.json()["support"]["level"] == "critical"


@pytest.mark.parametrize(
    ("text", "slug"), [("", "invalid"), (" \n", "invalid"), ("\x00", "invalid"), ("x" * 8_001, "too-long")]
)
async def test_a_text_has_the_limits_of_the_socket(ada: httpx.AsyncClient, text: str, slug: str) -> None:
    response = await ada.post(await room(ada), json={"text": text}, headers=key())

    assert problem(response) == (400, f"/problems/{slug}", "text")
    assert response.json()["rule"]


async def test_a_send_needs_its_key(ada: httpx.AsyncClient) -> None:
    response = await ada.post(await room(ada), json={"text": "hello"})

    assert problem(response) == (400, "/problems/invalid", "Idempotency-Key")


async def test_who_sends_too_fast_is_told_to_wait_and_nobody_else_is(start_instance: StartInstance) -> None:
    slow = start_instance(LIMIT_MESSAGES_PER_S="0.05", LIMIT_MESSAGE_BURST="2")
    async with rest(slow, "ada") as ada, rest(slow, "ben") as ben:
        path, other = await room(ada), await room(ben)
        answers = [await ada.post(path, json={"text": "hello"}, headers=key()) for _ in range(3)]

        elsewhere = await ben.post(other, json={"text": "hello"}, headers=key())

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert problem(answers[2]) == (429, "/problems/too-fast", None)
    assert 1 <= int(answers[2].headers["retry-after"]) <= 21
    assert elsewhere.status_code == 201


async def test_pages_go_both_ways(instance: Instance, ada: httpx.AsyncClient) -> None:
    conversation = (await begin(ada))["conversation_id"]
    path = f"/v1/conversations/{conversation}/messages"
    async with peer(instance, "ada") as device:
        await device.join(conversation)
        for _ in range(3):
            await device.send(conversation, "hello")
            await device.hear("reply.ended")

    pages = {
        query: (await ada.get(f"{path}?{query}")).json()
        for query in (
            "",
            "limit=2",
            "before=5&limit=2",
            "before=1",
            "after=0&limit=4",
            "after=4&limit=4",
            "after=6",
        )
    }

    seen = {
        query: ([line["seq"] for line in page["messages"]], page["more"]) for query, page in pages.items()
    }
    assert seen == {
        "": ([1, 2, 3, 4, 5, 6], False),
        "limit=2": ([5, 6], True),
        "before=5&limit=2": ([3, 4], True),
        "before=1": ([], False),
        "after=0&limit=4": ([1, 2, 3, 4], True),
        "after=4&limit=4": ([5, 6], False),
        "after=6": ([], False),
    }
    assert {page["head"] for page in pages.values()} == {6}


async def test_a_page_goes_one_way(ada: httpx.AsyncClient) -> None:
    response = await ada.get(f"{await room(ada)}?before=5&after=1")

    assert problem(response) == (400, "/problems/invalid", "after")


async def test_a_page_that_one_has_is_not_sent_again(ada: httpx.AsyncClient) -> None:
    path = await room(ada)
    tag = {"If-None-Match": (await ada.get(path)).headers["etag"]}

    unchanged = await ada.get(path, headers=tag)
    await ada.post(path, json={"text": "hello"}, headers=key())
    changed = await ada.get(path, headers=tag)

    assert (unchanged.status_code, unchanged.content, changed.status_code) == (304, b"", 200)


@pytest.mark.slow
async def test_a_locked_conversation_answers_503_and_the_same_key_succeeds_later(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    busy = start_instance(**RAISED)
    async with rest(busy, "ada") as ada:
        conversation, once = (await begin(ada))["conversation_id"], key()
        path = f"/v1/conversations/{conversation}/messages"
        async with admin.transaction():
            await admin.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", conversation)
            refused = await ada.post(path, json={"text": "hello"}, headers=once)

        later = await ada.post(path, json={"text": "hello"}, headers=once)

    assert problem(refused) == (503, "/problems/degraded", None)
    assert int(refused.headers["retry-after"]) >= 1
    assert (later.status_code, later.json()["duplicate"]) == (201, False)


async def test_the_reply_to_a_deleted_conversation_is_nobodys_work_any_more(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    slow = start_instance(COMPANION_PACE_S="0.5")
    async with rest(slow, "ada") as ada:
        messages = await room(ada)
        said = (await ada.post(messages, json={"text": "I slept well"}, headers=key())).json()
        await ada.delete(messages.removesuffix("/messages"))

    job = f"reply:{said['message_id']}"
    states: list[str] = []
    async with asyncio.timeout(60):
        while not states or states[-1] not in ("done", "dead"):
            states.append(await admin.fetchval("SELECT state FROM nura.jobs WHERE key = $1", job))
            await asyncio.sleep(0.1)

    assert states[-1] == "done"
    assert await admin.fetchval("SELECT attempt FROM nura.jobs WHERE key = $1", job) == 1
