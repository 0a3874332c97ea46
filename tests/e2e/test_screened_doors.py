"""No words of a person come in unscreened: each text of each door is in a table, a sentence is sent through each."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from doors import NO_WORDS, texts_of_frames, texts_of_routes
from rest import begin, key

from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses
from peers import Peer, stranger
from servers import Instance, environ_of, token
from supabase_hook import Hook, made, record

SENTENCE = "I am going to kill myself tonight"
AS_A_NAME = "i-am-going-to-kill-myself-today"  # where the sentence must be one lower case word
TOLD = ("going", "myself", "tonight", "today")  # of the words those that no name of a rule has
HOOK_SECRET = "v1,whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class Somebody(NamedTuple):
    """Who says it, and how they sign in."""

    id: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class House(NamedTuple):
    """The instance, and a client for its routes."""

    instance: Instance
    http: httpx.AsyncClient


Say = Callable[[House], Awaitable[Somebody]]


def newcomer() -> Somebody:
    name = f"person-{uuid.uuid4().hex[:8]}"
    return Somebody(person_id(name), token(name))


@asynccontextmanager
async def connected(house: House, who: Somebody, **hello: Any) -> AsyncIterator[Peer]:
    async with stranger(house.instance) as socket:
        peer = Peer(socket)
        await peer.say("hello", token=who.token, **hello)
        await peer.hear("welcome")
        yield peer


def by_route(method: str, path: str, body: dict[str, Any]) -> Say:
    """`{conversation_id}` in the path is a new one's."""

    async def say(house: House) -> Somebody:
        who = newcomer()
        house.http.headers.update(who.bearer)
        to = path
        if "{conversation_id}" in path:
            to = path.format(conversation_id=(await begin(house.http))["conversation_id"])
        answer = await house.http.request(method, to, json=body, headers=key())
        assert answer.is_success, answer.text
        return who

    return say


async def by_sign_up(house: House) -> Somebody:
    body = {"email": f"{uuid.uuid4().hex}@b.example", "password": "a-long-enough-password"}
    answer = await house.http.post("/v1/auth/sign-up", json=body | {"display_name": SENTENCE})
    assert answer.status_code == 201, answer.text
    return Somebody(answer.json()["user_id"], answer.json()["access_token"])


def by_hook(**metadata: Any) -> Say:
    async def say(house: House) -> Somebody:
        who = newcomer()
        hook: Any = Hook(house.http, None)  # type: ignore[arg-type]  # nobody looks at rows
        assert await hook.tell(made(record(who.id, **metadata)), at=int(time.time())) == "applied"
        return who

    return say


async def by_title(house: House) -> Somebody:
    who = newcomer()
    async with connected(house, who) as peer:
        await peer.open_conversation(title=SENTENCE)
    return who


async def by_message(house: House) -> Somebody:
    who = newcomer()
    async with connected(house, who) as peer:
        await peer.send(await peer.open_conversation(), SENTENCE)
    return who


async def by_device(house: House) -> Somebody:
    who = newcomer()
    for _ in range(2):  # a name that comes with each hello is one cause
        async with connected(house, who, device=SENTENCE):
            pass
    return who


ONE = "/v1/conversations/{conversation_id}"
SERVICES = "/v1/me/service-profiles"
NOTED = {"service_preferences": {"a": ["b", {"note": SENTENCE}]}}
WORDS: dict[str, Say] = {
    "PATCH /v1/me body.bio": by_route("PATCH", "/v1/me", {"bio": SENTENCE}),
    "PATCH /v1/me body.display_name": by_route("PATCH", "/v1/me", {"display_name": SENTENCE}),
    "PATCH /v1/me body.full_name": by_route("PATCH", "/v1/me", {"full_name": SENTENCE}),
    "PATCH /v1/conversations/{conversation_id} body.title": by_route("PATCH", ONE, {"title": SENTENCE}),
    "PATCH /v1/conversations/{conversation_id} body.description": by_route(
        "PATCH", ONE, {"description": SENTENCE}
    ),
    "POST /v1/auth/sign-up body.display_name": by_sign_up,
    "POST /v1/conversations body.title": by_route("POST", "/v1/conversations", {"title": SENTENCE}),
    "POST /v1/conversations body.description": by_route(
        "POST", "/v1/conversations", {"description": SENTENCE}
    ),
    "POST /v1/conversations/{conversation_id}/messages body.text": by_route(
        "POST", f"{ONE}/messages", {"text": SENTENCE}
    ),
    "POST /v1/hooks/supabase-auth body": by_hook(raw_user_meta_data={"full_name": SENTENCE}),
    "POST /v1/privacy/detect-pii body.text": by_route("POST", "/v1/privacy/detect-pii", {"text": SENTENCE}),
    "PUT /v1/me/service-profiles/{service_type} body.service_preferences.*": by_route(
        "PUT", f"{SERVICES}/chat", NOTED
    ),
    "PUT /v1/me/service-profiles/{service_type} path.service_type": by_route(
        "PUT", f"{SERVICES}/{AS_A_NAME}", {"service_preferences": {}}
    ),
    "conversation.create title": by_title,
    "hello device": by_device,
    "message.send text": by_message,
}
OTHER_WAYS = {
    "a key of preferences": by_route("PUT", f"{SERVICES}/chat", {"service_preferences": {SENTENCE: True}}),
    "metadata that is not kept": by_hook(raw_user_meta_data={"full_name": "Ada", "about": [SENTENCE]}),
    "metadata of an event": by_hook(raw_user_meta_data=None, user_metadata={"name": SENTENCE}),
}


@pytest.fixture(scope="module")
def instance(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """One of its own: sign-ups are counted per address, and only this one has the hook."""
    (folder / "doors").mkdir()
    environ = environ_of(stores) | {"SUPABASE_AUTH_HOOK_SECRET": HOOK_SECRET}
    one = Instance(folder / "doors", environ).start()
    yield one
    one.stop()


@pytest.fixture
async def house(instance: Instance) -> AsyncIterator[House]:
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http:
        yield House(instance, http)


async def test_every_text_that_comes_in_is_screened_or_is_no_words(house: House) -> None:
    document = (await house.http.get("/schema/openapi.json")).json()
    texts = texts_of_routes(document) | texts_of_frames()

    told = {*WORDS, *(text for group in NO_WORDS.values() for text in group)}

    assert texts - told == set(), (
        "may a person write words there? Then screen them before the commit that keeps them (conversation/words.py) "
        "and say in WORDS how a sentence is sent; else put it into doors.NO_WORDS under the reason why not"
    )
    assert told - texts == set(), "these are in a table and in no door any more"


@pytest.mark.parametrize("say", [*WORDS.values(), *OTHER_WAYS.values()], ids=[*WORDS, *OTHER_WAYS])
async def test_a_sentence_through_the_door_leaves_an_event_and_brings_help(
    house: House, admin: asyncpg.Connection, say: Say
) -> None:
    who = await say(house)

    events = await admin.fetch("SELECT * FROM nura.crisis_events WHERE user_id = $1", who.id)
    assert [event["level"] for event in events] == ["critical"]
    found = json.loads(events[0]["indicators"])
    assert found["version"]
    assert all(one["rule"].startswith("en.") for one in found["indicators"])
    assert not any(word in str(dict(events[0])).lower() for word in TOLD)
    async with connected(house, who) as later:
        assert (await later.hear("support"))["level"] == "critical"


def test_a_field_that_is_new_is_found_wherever_it_stands() -> None:
    schemas = {
        "Note": {"type": "object", "properties": {"kind": {"enum": ["a"]}, "text": {"type": "string"}}}
    }
    note = {"$ref": "#/components/schemas/Note"}
    body = {
        "type": "object",
        "properties": {
            "one": {"oneOf": [{"type": "null"}, note]},
            "many": {"type": "array", "items": note},
            "loose": {},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "count": {"type": "integer"},
        },
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": body}}
    paths = {
        "/x/{id}": {
            "post": {"requestBody": {"content": content}, "parameters": []},
            "get": {"parameters": [{"in": "path", "name": "id", "schema": {"type": ["string", "null"]}}]},
            "delete": {},
        }
    }

    found = texts_of_routes({"paths": paths, "components": {"schemas": schemas}})

    assert found == {
        "POST /x/{id} body.one.text",
        "POST /x/{id} body.many[].text",
        "POST /x/{id} body.loose",
        "POST /x/{id} body.map.*",
        "GET /x/{id} path.id",
        "DELETE /x/{id} body",
    }
