"""Limits on one person and one address, on two processes: connections, messages by all doors, handshakes."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest import begin, key, rest
from websockets.exceptions import InvalidStatus

from nura_rt.embedded.stack import Addresses
from peers import Peer, ended, peer, stranger
from servers import Instance, StartInstance, environ_of

pytestmark = pytest.mark.slow

Pair = tuple[Instance, Instance]
LIMITS = {
    "LIMIT_CONNECTIONS_PER_PERSON": "2",
    "LIMIT_PERSON_MESSAGE_BURST": "3",
    "LIMIT_PERSON_MESSAGES_PER_S": "0.01",
}


@pytest.fixture(scope="module")
def pair(folder: Path, stores: Addresses) -> Iterator[Pair]:
    """Two instances on the same stores that allow a person little."""
    started: list[Instance] = []
    for name in ("narrow-left", "narrow-right"):
        (folder / name).mkdir()
        started.append(Instance(folder / name, {**environ_of(stores), **LIMITS}).start())
    yield started[0], started[1]
    for one in started:
        one.stop()


async def test_every_device_hears_how_many_there_are_and_the_oldest_is_closed_where_it_is(pair: Pair) -> None:
    here, there = pair
    async with peer(here, "many") as oldest:
        await oldest.hear("presence", connections=1)
        async with peer(there, "many") as second:
            await oldest.hear("presence", connections=2)
            await second.hear("presence", connections=2)
            async with peer(there, "many") as newest:
                closed = await ended(oldest.socket)
                heard = await newest.hear("presence")
                await second.say("ping", t=1)
                await second.hear("pong")

    assert closed == (4507, "displaced")
    assert heard["connections"] == 2


async def test_a_closed_socket_makes_room_for_the_next(pair: Pair) -> None:
    here, there = pair
    async with peer(here, "comes-and-goes") as kept:
        for _ in range(4):
            async with peer(there, "comes-and-goes") as guest:
                await kept.hear("presence", connections=2)
                await guest.hear("presence", connections=2)
            await kept.hear("presence", connections=1)


async def _said(speaker: Peer, conversation_id: str) -> dict[str, Any]:
    """The answer to one message."""
    ref = await speaker.say(
        "message.send", conversation_id=conversation_id, client_id=uuid.uuid4().hex, text="step"
    )
    await speaker.collect(lambda heard: any(frame.get("ref") == ref for frame in heard))
    return next(frame for frame in speaker.heard if frame.get("ref") == ref)


async def test_socket_rest_and_the_other_instance_share_what_a_person_may_say(pair: Pair) -> None:
    here, there = pair
    async with peer(here, "hasty") as speaker, peer(there, "hasty") as elsewhere, rest(here, "hasty") as http:
        made = await begin(http)
        path = f"/v1/conversations/{made['conversation_id']}/messages"
        kept = [await _said(speaker, made["conversation_id"]) for _ in range(2)]
        written = await http.post(path, json={"text": "step"}, headers=key())
        refused = await _said(speaker, made["conversation_id"])
        problem = await http.post(path, json={"text": "step"}, headers=key())
        other: list[str] = []
        while "error" not in other and len(other) < 10:
            other.append((await _said(elsewhere, made["conversation_id"]))["type"])

    assert [frame["type"] for frame in kept] == ["accepted"] * 2
    assert written.status_code == 201
    assert (refused["code"], refused["temporary"]) == ("too_fast", True)
    assert refused["retry_after_ms"] > 10_000
    assert (problem.status_code, problem.json()["type"]) == (429, "/problems/too-fast")
    assert other[-1] == "error"
    assert other.count("accepted") <= 3  # one burst of its own, before Redis has told it


async def test_handshakes_are_counted_by_address_before_any_socket_opens(
    start_instance: StartInstance,
) -> None:
    instance = start_instance(
        LIMIT_HANDSHAKE_BURST="4", LIMIT_HANDSHAKES_PER_S="0.01", TRUSTED_PROXIES="127.0.0.1"
    )

    async def from_(address: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        try:
            async with stranger(instance, additional_headers={"X-Forwarded-For": address}):
                return 101, {}, {}
        except InvalidStatus as refused:
            said = refused.response
            return said.status_code, dict(said.headers), json.loads(said.body or b"{}")

    first = [(await from_("2001:db8::1"))[0] for _ in range(4)]
    status, headers, problem = await from_("2001:db8::2")
    others = [(await from_(f"198.51.100.{number}"))[0] for number in range(8)]

    assert first == [101] * 4
    assert status == 429
    assert headers["content-type"] == "application/problem+json"
    assert 0 < int(headers["retry-after"]) <= 100
    assert problem["type"] == "/problems/too-fast"
    assert others == [101] * 8


async def test_an_address_holds_few_sockets_that_never_say_who_they_are(
    start_instance: StartInstance,
) -> None:
    instance = start_instance(
        LIMIT_HANDSHAKE_BURST="8", LIMIT_HANDSHAKES_PER_S="1000", HELLO_TIMEOUT_S="3600"
    )
    async with stranger(instance), stranger(instance), stranger(instance), stranger(instance) as last:
        with pytest.raises(InvalidStatus) as refused:
            async with stranger(instance):
                pass
        await last.close()

        async def comes_in() -> bool:
            try:
                async with peer(instance, "patient"):
                    return True
            except InvalidStatus:
                return False

        tries = [await comes_in()]
        while not tries[-1] and len(tries) < 500:
            tries.append(await comes_in())

    assert refused.value.response.status_code == 429
    assert tries[-1]
