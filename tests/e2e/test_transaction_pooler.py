"""A whole instance behind a real PgBouncer in transaction mode: from sign-up to sign-out, on few server connections."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from rest import key

from nura_rt.embedded.stack import Addresses
from peers import Peer, ended, stranger
from pgbouncer import pooling
from servers import Instance, environ_of

pytestmark = pytest.mark.slow

SERVER_CONNECTIONS = 3  # far fewer than the instance holds: they are lent by the transaction or not at all
PASSWORD = "a-long-enough-password"
REVOKED = 4509


@pytest.fixture(scope="module")
def server(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """An instance that knows the database by its pooler alone."""
    (folder / "behind").mkdir()
    environ = environ_of(stores)
    with pooling(folder / "pooler", environ["SUPABASE_DATABASE_URL"], connections=SERVER_CONNECTIONS) as url:
        environ |= {"SUPABASE_DATABASE_URL": url, "DB_POOLER": "transaction"}
        one = Instance(folder / "behind", environ).start()
        yield one
        one.stop()


@pytest.fixture
async def http(server: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """A client that became somebody: it has just signed up."""
    body = {"email": f"{uuid.uuid4().hex}@b.example", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        made = await client.post("/v1/auth/sign-up", json=body)
        assert made.status_code in (200, 201), made.text
        client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        yield client


async def welcomed(socket: Any, client: httpx.AsyncClient) -> Peer:
    """The socket after its hello, as the client's person."""
    device = Peer(socket)
    await device.say("hello", token=client.headers["Authorization"].removeprefix("Bearer "))
    await device.hear("welcome")
    return device


async def test_from_sign_up_to_sign_out(server: Instance, http: httpx.AsyncClient) -> None:
    async with stranger(server) as socket:
        device = await welcomed(socket, http)
        conversation = await device.open_conversation(title="Behind a pooler")
        await device.join(conversation)
        kept = await device.send(conversation, "I slept a little better")
        reply = await device.hear("message", role="assistant")
        said = await http.post(
            f"/v1/conversations/{conversation}/messages", json={"text": "and again"}, headers=key()
        )
        await device.hear("message", role="assistant")
        history = (await http.get(f"/v1/conversations/{conversation}/messages")).json()
        listed = (await http.get("/v1/conversations")).json()["conversations"]

        left = await http.post("/v1/auth/sign-out")

        code, _ = await ended(socket)
    after = await http.get("/v1/me")
    assert (kept["seq"], reply["reply_to"], said.status_code) == (1, kept["message_id"], 201)
    assert [one["seq"] for one in history["messages"]] == [1, 2, 3, 4]
    assert [one["conversation_id"] for one in listed] == [conversation]
    assert (left.status_code, code, after.status_code) == (204, REVOKED, 401)


async def test_what_is_changed_over_rest_is_changed_there(
    server: Instance, http: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    made = (await http.post("/v1/conversations", json={"title": "one"}, headers=key())).json()
    path = f"/v1/conversations/{made['conversation_id']}"
    renamed = await http.patch(path, json={"title": "two"})
    named = await http.patch("/v1/me", json={"display_name": "Ada"})
    preferred = await http.put("/v1/me/service-profiles/chat", json={"service_preferences": {"pace": "slow"}})

    gone = await http.delete(path)

    looked = await http.get(path)
    me = (await http.get("/v1/me")).json()
    statuses = [answer.status_code for answer in (renamed, named, preferred, gone, looked)]
    assert statuses == [200, 200, 200, 204, 404], [renamed.text, named.text, preferred.text]
    assert me["display_name"] == "Ada"
    assert (
        await admin.fetchval("SELECT count(*) FROM conversations WHERE id = $1", made["conversation_id"]) == 0
    )
