"""Accounts over a real server: from the first letter to the last sign-out, and two instances that agree."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from letters import letters_to, secret_of
from nura_rt.embedded.stack import Addresses
from servers import Instance, StartInstance, environ_of, eventually
from webhook_signer import signed

PASSWORD, NEW = "a-long-enough-password", "another-long-password"
HOOK_SECRET = "v1,whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PATIENCE_S = 30


@pytest.fixture(scope="module")
def server(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """An instance of its own: tries are counted per address."""
    (folder / "accounts").mkdir()
    environ = environ_of(stores) | {"SUPABASE_AUTH_HOOK_SECRET": HOOK_SECRET}
    one = Instance(folder / "accounts", environ).start()
    yield one
    one.stop()


@pytest.fixture
async def http(server: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as client:
        yield client


async def ask(
    http: httpx.AsyncClient, door: str, bearer: str | None = None, attempt: str | None = None, **body: Any
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    if attempt is not None:
        headers["Idempotency-Key"] = attempt
    return await http.post(f"/v1/auth/{door}", json=body, headers=headers)


async def newcomer(http: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    email = f"{uuid.uuid4().hex}@b.example"
    return email, (await ask(http, "sign-up", email=email, password=PASSWORD)).json()


async def newest(server: Instance, address: str, *, of: int) -> EmailMessage:
    """The newest letter to somebody, once there are so many."""
    await eventually(lambda: len(letters_to(server.folder, address)) >= of)
    return letters_to(server.folder, address)[0]


async def test_from_the_first_letter_to_a_new_password(server: Instance, http: httpx.AsyncClient) -> None:
    email, first = await newcomer(http)
    me = {"Authorization": f"Bearer {first['access_token']}"}
    before = (await http.get("/v1/me", headers=me)).json()
    verify = secret_of(await newest(server, email, of=1))
    assert (await ask(http, "verify-email", token=verify)).status_code == 204
    after = (await http.get("/v1/me", headers=me)).json()  # answers are kept for seconds, but not this one
    assert (before["email_confirmed"], after["email_confirmed"]) == (False, True)
    assert (await ask(http, "forgot-password", email=email)).status_code == 202
    reset = secret_of(await newest(server, email, of=2))

    answer = await ask(http, "reset-password", token=reset, password=NEW)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ask(http, "refresh", refresh_token=first["refresh_token"])).status_code == 401
    signed_in = (await ask(http, "sign-in", email=email, password=NEW)).json()
    assert (await ask(http, "sign-out", signed_in["access_token"])).status_code == 204
    assert (await ask(http, "sign-out", signed_in["access_token"])).status_code == 401


async def test_a_number_is_proved_by_the_code_of_its_sms(server: Instance, http: httpx.AsyncClient) -> None:
    _, me = await newcomer(http)
    assert (await ask(http, "phone", me["access_token"], phone="+34 600 99 88 77")).status_code == 202
    code = secret_of(await newest(server, "+34600998877", of=1))

    assert (await ask(http, "verify-phone", me["access_token"], code=code)).status_code == 204


@pytest.mark.slow
async def test_two_instances_give_one_successor(
    start_instance: StartInstance, server: Instance, http: httpx.AsyncClient
) -> None:
    other = start_instance()
    _, me = await newcomer(http)
    async with httpx.AsyncClient(base_url=other.url, timeout=PATIENCE_S) as elsewhere:
        answers = await asyncio.gather(
            *[
                ask(client, "refresh", attempt="mine", refresh_token=me["refresh_token"])
                for client in (http, elsewhere)
                for _ in range(4)
            ]
        )

        thief = await ask(elsewhere, "refresh", refresh_token=answers[0].json()["refresh_token"])
        client = await ask(http, "refresh", attempt="mine", refresh_token=me["refresh_token"])

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert (thief.status_code, client.status_code) == (200, 401)
    last = await ask(http, "refresh", refresh_token=thief.json()["refresh_token"])
    assert last.status_code == 401


async def test_supabases_word_is_heard_at_its_address(
    http: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    person_id = str(uuid.uuid4())
    body = json.dumps(
        {"type": "user.created", "user": {"id": person_id, "email": f"{person_id}@b.example"}}
    ).encode()
    headers = signed(body, bytes(range(32)), message_id=person_id, at=int(time.time()))

    answer = await http.post("/v1/hooks/supabase-auth", content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"result": "applied"})
    assert await admin.fetchval("SELECT true FROM users WHERE id = $1", person_id)


async def test_without_a_secret_there_is_no_such_address(instance: Instance) -> None:
    async with httpx.AsyncClient(base_url=instance.url, timeout=PATIENCE_S) as client:
        answer = await client.post("/v1/hooks/supabase-auth", content=b"{}")

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_nothing_that_was_typed_or_sent_is_in_the_log(
    server: Instance, http: httpx.AsyncClient
) -> None:
    email, me = await newcomer(http)
    token = secret_of(await newest(server, email, of=1))
    await ask(http, "verify-email", token=token)
    await ask(http, "sign-in", email=email, password="a-wrong-password-here")
    await ask(http, "phone", me["access_token"], phone="+34 600 55 44 33")
    await ask(http, "sign-in", email=email, password={"odd": "a-wrong-password-here"})

    log = server.log

    for secret in (
        email,
        token,
        me["access_token"],
        me["refresh_token"],
        "a-wrong-password-here",
        "600554433",
    ):
        assert secret not in log
