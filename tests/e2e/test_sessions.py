"""Signed in on two instances: seen, listed, ended everywhere, and tokens that follow one another on a socket."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from nura_rt.auth.tokens import Tokens
from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses
from peers import Peer, ended, stranger
from proxy import Proxy, redis_socket
from servers import SECRET, Instance, StartInstance

AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


class Person:
    """Somebody new; each session is a sign-in of theirs."""

    def __init__(self) -> None:
        self.id = person_id(uuid.uuid4().hex)

    def token(self, session_id: str, *, ttl_s: int = 3600) -> str:
        return Tokens(SECRET, ttl_s=ttl_s).issue(self.id, session_id=session_id)

    def session(self) -> str:
        return str(uuid.uuid4())


@asynccontextmanager
async def signed_in(instance: Instance, token: str, **hello: Any) -> AsyncIterator[Peer]:
    async with stranger(instance) as socket:
        joined = Peer(socket)
        await joined.say("hello", token=token, **hello)
        await joined.hear("welcome")
        yield joined


async def rest(instance: Instance, method: str, path: str, token: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
        return await client.request(method, path, headers={"Authorization": f"Bearer {token}", **headers})


async def test_the_list_shows_where_the_person_is_signed_in(instance: Instance) -> None:
    ann, bob = Person(), Person()
    tablet, page, other = ann.session(), ann.session(), bob.session()
    await rest(instance, "GET", "/v1/me/sessions", bob.token(other))
    async with signed_in(instance, ann.token(tablet), device="Ann's\x07 tablet"):
        answer = await rest(instance, "GET", "/v1/me/sessions", ann.token(page), **AGENT)

    shown = {one["session_id"]: one for one in answer.json()["sessions"]}
    assert set(shown) == {tablet, page}
    assert {one["ip_prefix"] for one in shown.values()} == {"127.0.0.0/24"}
    assert (shown[tablet]["device"], shown[tablet]["current"]) == ("Ann's tablet", False)
    assert (shown[page]["device"], shown[page]["current"]) == ("Firefox on Linux", True)


async def test_nobody_ends_another_persons_session(instance: Instance) -> None:
    ann, bob = Person(), Person()
    hers, his = ann.session(), bob.session()
    async with signed_in(instance, ann.token(hers)) as peer:
        answers = [
            await rest(instance, "DELETE", f"/v1/me/sessions/{one}", bob.token(his))
            for one in (hers, "x" * 36)
        ]
        await rest(instance, "DELETE", "/v1/me/sessions", bob.token(his))
        await peer.open_conversation()

    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [
        (404, "/problems/not-found")
    ] * 2
    assert answers[0].json() == answers[1].json()


@pytest.mark.slow
@pytest.mark.parametrize("redis", ["there", "gone"])
async def test_a_revoked_session_ends_its_sockets_on_every_instance_within_2_s(
    start_instance: StartInstance, stores: Addresses, redis: str
) -> None:
    assert stores.redis_url is not None
    ann = Person()
    lost, kept = ann.session(), ann.session()
    async with Proxy(redis_socket(stores.redis_url)) as network:
        url = f"redis://127.0.0.1:{network.port}/0"
        # in a thread: the network between them and Redis is this loop's work
        here, there = [await asyncio.to_thread(start_instance, REDIS_URL=url) for _ in range(2)]
        async with (
            signed_in(here, ann.token(lost)) as near,
            signed_in(there, ann.token(lost)) as far,
            signed_in(there, ann.token(kept)) as other,
        ):
            await rest(there, "GET", "/v1/me/sessions", ann.token(lost))
            if redis == "gone":
                network.cut()
            answer = await rest(here, "DELETE", f"/v1/me/sessions/{lost}", ann.token(kept))
            began = time.monotonic()
            closed = list(await asyncio.gather(ended(near.socket), ended(far.socket)))
            took_s = time.monotonic() - began
            refused = [await rest(one, "GET", "/v1/me/sessions", ann.token(lost)) for one in (here, there)]
            await other.open_conversation()

    assert answer.status_code == 204
    assert closed == [(4509, "revoked")] * 2
    assert took_s <= 2  # the promise, not a measurement
    assert [(one.status_code, one.json()["type"]) for one in refused] == [
        (401, "/problems/session-ended")
    ] * 2


@pytest.mark.slow
async def test_a_new_instance_and_a_new_socket_refuse_an_ended_session(
    instance: Instance, start_instance: StartInstance
) -> None:
    ann = Person()
    lost, kept = ann.session(), ann.session()
    await rest(instance, "GET", "/v1/me/sessions", ann.token(lost))
    answer = await rest(instance, "DELETE", "/v1/me/sessions", ann.token(kept))

    outcomes = []
    for one in (instance, start_instance()):
        async with stranger(one) as socket:
            await socket.send(json.dumps({"type": "hello", "token": ann.token(lost)}))
            outcomes.append(await ended(socket))

    assert (answer.status_code, answer.json()) == (200, {"ended": 1})
    assert outcomes == [(4509, "revoked")] * 2


async def test_who_is_erased_is_told_so(instance: Instance, admin: asyncpg.Connection) -> None:
    ann = Person()
    token = ann.token(ann.session())
    await rest(instance, "GET", "/v1/me/sessions", token)
    await admin.execute("UPDATE users SET is_active = false WHERE id = $1", ann.id)
    another = ann.token(ann.session())

    answer = await rest(instance, "GET", "/v1/me/sessions", another)
    async with stranger(instance) as socket:
        await socket.send(json.dumps({"type": "hello", "token": another}))
        closed = await ended(socket)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/account-erased")
    assert closed == (4510, "account_erased")


async def test_an_expired_hello_is_told_to_get_a_new_token(instance: Instance) -> None:
    ann = Person()
    token = Tokens(SECRET, ttl_s=60, clock=lambda: time.time() - 3600).issue(ann.id)

    async with stranger(instance) as socket:
        await socket.send(json.dumps({"type": "hello", "token": token}))
        closed = await ended(socket)

    assert closed == (4401, "token_expired")


@pytest.mark.slow
async def test_a_token_that_runs_out_ends_the_socket_unless_a_newer_one_came(instance: Instance) -> None:
    ann = Person()
    old = Tokens(SECRET, ttl_s=3600, clock=lambda: time.time() - 3605)  # run out 5 s ago: leeway is 10
    first, second = ann.session(), ann.session()
    async with (
        signed_in(instance, old.issue(ann.id, session_id=first)) as idle,
        signed_in(instance, old.issue(ann.id, session_id=second)) as busy,
    ):
        warned = [await one.hear("auth.expiring") for one in (idle, busy)]
        ref = await busy.say("auth.refresh", token=ann.token(second))
        refreshed = await busy.hear("auth.refreshed", ref=ref)
        closed = await ended(idle.socket, within_s=40)
        await busy.open_conversation()

    assert closed == (4401, "token_expired")
    assert all(frame["expires_at"] < refreshed["expires_at"] for frame in warned)


async def test_another_persons_token_ends_the_socket(instance: Instance) -> None:
    ann, bob = Person(), Person()
    async with signed_in(instance, ann.token(ann.session())) as peer:
        await peer.say("auth.refresh", token=bob.token(bob.session()))
        closed = await ended(peer.socket)

    assert closed == (4505, "another_person")


async def test_a_bad_token_is_refused_and_too_many_are_too_fast(instance: Instance) -> None:
    ann = Person()
    async with signed_in(instance, ann.token(ann.session())) as peer:
        await peer.say("auth.refresh", token="nonsense", ref="r1")
        await peer.say("auth.refresh", token="nonsense", ref="r2")
        errors = [await peer.hear("error") for _ in range(2)]
        await peer.open_conversation()

    told = {(error["ref"], error["code"], error["temporary"]) for error in errors}
    assert told == {("r1", "unauthorized", False), ("r2", "too_fast", True)}


@pytest.mark.slow
async def test_after_a_refresh_another_session_is_the_one_that_ends_the_socket(instance: Instance) -> None:
    ann = Person()
    old, new, third = ann.session(), ann.session(), ann.session()
    async with signed_in(instance, ann.token(old)) as peer:
        ref = await peer.say("auth.refresh", token=ann.token(new))
        await peer.hear("auth.refreshed", ref=ref)
        await rest(instance, "DELETE", f"/v1/me/sessions/{old}", ann.token(third))
        still = await peer.open_conversation()
        await rest(instance, "DELETE", f"/v1/me/sessions/{new}", ann.token(third))
        closed = await ended(peer.socket)

    assert still
    assert closed == (4509, "revoked")


@pytest.mark.slow
async def test_a_hello_and_a_revocation_at_once_never_leave_a_socket_open(instance: Instance) -> None:
    ann = Person()
    keeping = ann.token(ann.session())

    async def race(delay_s: float) -> tuple[int | None, str]:
        session_id = ann.session()
        await rest(instance, "GET", "/v1/me/sessions", ann.token(session_id))
        async with stranger(instance) as socket:
            revoking = asyncio.create_task(rest(instance, "DELETE", f"/v1/me/sessions/{session_id}", keeping))
            await asyncio.sleep(delay_s)
            await socket.send(json.dumps({"type": "hello", "token": ann.token(session_id)}))
            assert (await revoking).status_code == 204
            return await ended(socket)

    outcomes = [await race(number / 1000) for number in range(20)]

    assert set(outcomes) == {(4509, "revoked")}
