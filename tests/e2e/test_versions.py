"""Minors 0 and 1 of the protocol side by side: an older client on a newer server, a newer client on an older one."""

import json
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema_rs
import pytest
from ledger import answered
from rest import rest
from websockets.typing import Subprotocol

import older_instance
from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, ended, peer, stranger, until_seq
from servers import RAISED, Instance, environ_of, token

pytestmark = pytest.mark.slow

OLD = json.loads((Path(__file__).parents[1] / "data" / "protocol-1.0.json").read_text("utf-8"))
BOTH = [Subprotocol("nura.v1.1"), Subprotocol("nura.v1")]


@pytest.fixture(scope="module")
def newer(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """What is here; its heart beats fast, so that an older client hears what it does not know."""
    (folder / "newer").mkdir()
    instance = Instance(folder / "newer", {**environ_of(stores), **RAISED, "HEARTBEAT_S": "0.1"}).start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def older(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """An instance that speaks minor 0, on the same stores."""
    (folder / "older").mkdir()
    program = folder / "older" / "python"
    program.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{older_instance.__file__}" "$@"\n')
    program.chmod(0o755)
    instance = Instance(folder / "older", {**environ_of(stores), **RAISED, "HEARTBEAT_S": "0.1"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(program))  # it is started with `-m nura_rt serve`
        instance.start()
    yield instance
    instance.stop()


def validator(reference: str) -> Any:
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{reference}", "$defs": OLD["$defs"]})


KNOWN = {
    OLD["$defs"][one["$ref"].split("/")[-1]]["properties"]["type"]["const"]: validator(
        one["$ref"].split("/")[-1]
    )
    for one in OLD["$defs"]["ServerFrame"]["oneOf"]
}
MAY_SAY = validator("ClientFrame")


class Older(Peer):
    """Knows minor 0 alone: says nothing else, and looks at nothing else."""

    async def say(self, kind: str, **fields: Any) -> str:
        ref = await super().say(kind, **fields)
        said = {"type": kind, **fields} | ({"ref": ref} if ref else {})
        assert MAY_SAY.is_valid(said), said
        return ref

    def understood(self) -> list[Frame]:
        """What it knows, which must be as it knows it."""
        known = [one for one in self.heard if one["type"] in KNOWN]
        assert [one for one in known if not KNOWN[one["type"]].is_valid(one)] == []
        return known


@asynccontextmanager
async def newcomer(instance: Instance, name: str, **seqs: int) -> AsyncIterator[Peer]:
    """A client of minor 1: what the server chose says whether `hello` may hold `resume`."""
    async with stranger(instance, subprotocols=BOTH) as socket:
        client, resumes = Peer(socket), socket.subprotocol == "nura.v1.1"
        resume = [{"channel": f"conversation:{room}", "seq": seq} for room, seq in seqs.items()]
        await client.say("hello", token=token(name), **({"resume": resume} if resumes else {}))
        welcome = await client.hear("welcome")
        assert welcome["protocol"] == {"major": 1, "minor": int(resumes)}
        for room, seq in seqs.items():
            if resumes:
                await client.hear("subscribed", channel=f"conversation:{room}")
            else:
                await client.join(room, since=seq)
        yield client


@asynccontextmanager
async def oldcomer(instance: Instance, name: str) -> AsyncIterator[Older]:
    """A client of minor 0."""
    async with stranger(instance) as socket:
        client = Older(socket)
        await client.say("hello", token=token(name), device="an old page")
        await client.hear("welcome")
        yield client


def somebody() -> str:
    return f"somebody-{uuid.uuid4().hex[:8]}"


async def test_an_older_client_does_all_it_could_on_a_newer_server(
    newer: Instance, admin: asyncpg.Connection
) -> None:
    name = somebody()
    async with oldcomer(newer, name) as client, newcomer(newer, name) as device, rest(newer, name) as http:
        room = await client.open_conversation(title="As ever")
        subscribed = await client.join(room)
        first = await client.send(room, "step", client_id="m-1")
        await client.collect(until_seq(2))
        again = await client.send(room, "step", client_id="m-1")
        await device.join(room)
        for frame in ({"type": "typing", "on": True}, {"type": "read", "seq": 1}):
            await device.socket.send(json.dumps({**frame, "conversation_id": room}))
        await http.delete(f"/v1/conversations/{room}/messages/{first['message_id']}")
        await client.hear("message.removed", seq=3)
        ref = await client.say("auth.refresh", token=token(name))
        await client.hear("auth.refreshed", ref=ref)
        ref = await client.say("unsubscribe", channel=f"conversation:{room}")
        await client.hear("unsubscribed", ref=ref)
        back = await client.join(room, since=0)
        await client.send(room, "and on", client_id="m-2")
        await client.collect(until_seq(5))
        await client.say("ping", t=7)
        pong = await client.hear("pong", t=7)
        await client.collect(lambda heard: "heartbeat" in {frame["type"] for frame in heard})

    understood = client.understood()
    unknown = {one["type"] for one in client.heard} - KNOWN.keys()
    assert client.socket.subprotocol == "nura.v1"
    assert (subscribed["head"], back["head"], back["recovered"]) == (0, 3, True)
    assert (first["seq"], again["seq"], again["duplicate"]) == (1, 1, True)
    assert [one["seq"] for one in understood if one["type"] == "message"] == [1, 2, 2, 4, 5]
    assert pong["heads"] == {f"conversation:{room}": 5}
    assert unknown >= {"heartbeat", "presence", "typing", "read", "message.removed", "gap"}
    assert "error" not in {one["type"] for one in understood}


async def test_older_and_newer_clients_of_an_older_and_a_newer_instance_talk_in_one_conversation(
    older: Instance, newer: Instance, admin: asyncpg.Connection
) -> None:
    name = somebody()
    async with (
        oldcomer(older, name) as old_there,
        newcomer(older, name) as new_there,
        oldcomer(newer, name) as old_here,
        newcomer(newer, name) as new_here,
    ):
        all_four: tuple[Peer, ...] = (old_there, new_there, old_here, new_here)
        room = await old_there.open_conversation()
        for one in all_four:
            await one.join(room)
        for one in (*all_four, *all_four):
            await one.send(room, "step")
        for one in all_four:
            await one.collect(until_seq(16))
        for one in (old_here, new_here):
            await one.collect(lambda heard: "heartbeat" in {frame["type"] for frame in heard})
        rows = await answered(admin, room)

    known = [one for client in (old_there, old_here) for one in client.understood()]
    spoken = [one.socket.subprotocol for one in all_four]
    assert spoken == ["nura.v1", "nura.v1", "nura.v1", "nura.v1.1"]
    assert [one.seqs() for one in all_four] == [list(range(1, 17))] * 4
    assert [row.seq for row in rows] == list(range(1, 17))
    assert [one for one in known if one["type"] == "error"] == []
    assert {one["type"] for client in (old_there, new_there) for one in client.heard} <= KNOWN.keys()
    assert {"heartbeat", "presence"} <= {one["type"] for one in new_here.heard}


async def test_a_newer_client_that_goes_to_and_fro_misses_nothing(
    older: Instance, newer: Instance, admin: asyncpg.Connection
) -> None:
    name, heard = somebody(), list[int]()
    async with peer(newer, name) as speaker:
        room = await speaker.open_conversation()
        for instance in (older, newer, older, newer):
            await speaker.send(room, "while nobody listens")
            await answered(admin, room)
            async with newcomer(instance, name, **{room: max(heard, default=0)}) as roaming:
                await speaker.send(room, "while one listens")
                await roaming.collect(until_seq(len(heard) + 4))
            heard += roaming.seqs()

    assert heard == list(range(1, 17))


async def test_an_older_server_hangs_up_on_a_hello_that_resumes_and_refuses_later_frames(
    older: Instance,
) -> None:
    async with stranger(older, subprotocols=BOTH) as socket:
        resume = [{"channel": "conversation:c-1", "seq": 1}]
        await socket.send(json.dumps({"type": "hello", "token": token("early"), "resume": resume}))
        closed = await ended(socket)
    async with newcomer(older, "early") as client:
        await client.socket.send(json.dumps({"type": "typing", "conversation_id": "c-1", "on": True}))
        refused = await client.hear("error")

    assert closed == (4500, "bad_hello")
    assert refused["code"] == "unknown_type"
