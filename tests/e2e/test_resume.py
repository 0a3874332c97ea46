"""Coming back by `hello.resume`, at the other instance: exactly what was missed, and devices that stay in step."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from ledger import answered
from rest import SERIOUS, rest

from hostile import foe, text, told
from nura_rt.auth.tokens import Tokens
from nura_rt.cli.people import person_id
from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, peer, stranger, until_seq
from servers import RAISED, SECRET, Instance, environ_of, eventually, token

pytestmark = pytest.mark.slow

Pair = tuple[Instance, Instance]
REPLAY = 20
ENTRIES = ("message", "message.removed", "gap")


@pytest.fixture(scope="module")
def pair(folder: Path, stores: Addresses) -> Iterator[Pair]:
    """Two instances whose hearts beat fast and whose replays are short."""
    started: list[Instance] = []
    environ = {**environ_of(stores), **RAISED, "LIMIT_REPLAY": str(REPLAY), "HEARTBEAT_S": "0.2"}
    for name in ("come", "back"):
        (folder / name).mkdir()
        started.append(Instance(folder / name, environ).start())
    yield started[0], started[1]
    for one in started:
        one.stop()


@asynccontextmanager
async def resumed(instance: Instance, name: str, **seqs: int) -> AsyncIterator[Peer]:
    """A client whose hello says how far it has these conversations."""
    async with stranger(instance) as socket:
        client = Peer(socket)
        resume = [{"channel": f"conversation:{room}", "seq": seq} for room, seq in seqs.items()]
        await client.say("hello", token=token(name), resume=resume)
        await client.hear("welcome")
        yield client


async def say(client: Peer, kind: str, **fields: Any) -> None:
    """A frame that is not answered, so it has no ref."""
    await client.socket.send(json.dumps({"type": kind, **fields}))


def somebody() -> str:
    return f"somebody-{uuid.uuid4().hex[:8]}"


async def talk(speaker: Peer, room: str, admin: asyncpg.Connection, count: int) -> list[Frame]:
    """So many messages, each with its reply in place before the next: accepted at 1, 3, 5..."""
    accepted = []
    for number in range(count):
        accepted.append(await speaker.send(room, f"step {number}"))
        await answered(admin, room)
    return accepted


def entries(client: Peer) -> list[tuple[Any, ...]]:
    """What the client heard of the order of its conversations."""
    return [
        (one["type"], one["from"], one["to"]) if one["type"] == "gap" else (one["type"], one["seq"])
        for one in client.heard
        if one["type"] in ENTRIES and one.get("reason") != "lost"
    ]


async def test_the_other_instance_brings_what_was_missed_and_what_was_taken_away(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    name = somebody()
    async with peer(pair[0], name) as speaker, rest(pair[1], name) as http:
        room = await speaker.open_conversation()
        accepted = await talk(speaker, room, admin, 3)
        for gone in (accepted[0], accepted[1]):
            await http.delete(f"/v1/conversations/{room}/messages/{gone['message_id']}")

        async with resumed(pair[1], name, **{room: 2}) as back:
            subscribed = await back.hear("subscribed")
            await back.hear("message.removed", seq=8)
            await speaker.send(room, "go on")
            await back.hear("message", seq=9)

    assert (subscribed["ref"], subscribed["channel"]) == (f"conversation:{room}",) * 2
    assert (subscribed["head"], subscribed["recovered"], subscribed["tail"]) == (8, True, 1)
    assert entries(back) == [
        ("gap", 3, 3),
        ("message", 4),
        ("message", 5),
        ("message", 6),
        ("message.removed", 7),
        ("message.removed", 8),
        ("message", 9),
    ]


async def test_who_missed_too_much_is_told_so_and_reads_the_rest_over_rest(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    name, head = somebody(), REPLAY + 2
    async with peer(pair[0], name) as speaker, rest(pair[1], name) as http:
        room = await speaker.open_conversation()
        await talk(speaker, room, admin, head // 2)

        async with resumed(pair[1], name, **{room: 1}) as back:
            subscribed = await back.hear("subscribed")
            await speaker.send(room, "go on")
            await back.hear("message", seq=head + 2)
        had = [1]
        while had[-1] < subscribed["head"]:
            path, wanted = f"/v1/conversations/{room}/messages", {"after": had[-1], "limit": 9}
            page = await http.get(path, params=wanted)
            had += [one["seq"] for one in page.json()["messages"]]

    assert (subscribed["head"], subscribed["recovered"]) == (head, False)
    assert back.seqs() == [head + 1, head + 2]
    assert had[:head] == list(range(1, head + 1))


async def test_one_that_is_not_there_is_said_so_by_its_name_and_the_others_resume(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    name, other = somebody(), somebody()
    async with peer(pair[0], name) as speaker, peer(pair[0], other) as foreigner:
        room, foreign = await speaker.open_conversation(), await foreigner.open_conversation()
        await talk(speaker, room, admin, 1)

        async with resumed(pair[1], name, nowhere=3, **{foreign: 0, room: 1}) as back:
            await back.hear("message", seq=2)
            await back.say("ping", t=1)
            await back.hear("pong")

    errors = [one for one in back.heard if one["type"] == "error"]
    assert [one["ref"] for one in errors] == ["conversation:nowhere", f"conversation:{foreign}"]
    assert {(one["code"], one["temporary"]) for one in errors} == {("not_found", False)}
    assert back.seqs() == [2]


async def test_a_heartbeat_names_the_last_seq_of_each_channel(pair: Pair, admin: asyncpg.Connection) -> None:
    name = somebody()
    async with peer(pair[0], name) as speaker:
        room, still = await speaker.open_conversation(), await speaker.open_conversation()
        await talk(speaker, room, admin, 1)
        async with resumed(pair[1], name, **{room: 0, still: 0}) as back:
            await back.hear("subscribed", channel=f"conversation:{still}")

            before = await back.hear(
                "heartbeat", heads={f"conversation:{room}": 2, f"conversation:{still}": 0}
            )
            await talk(speaker, room, admin, 1)
            after = await back.hear(
                "heartbeat", heads={f"conversation:{room}": 4, f"conversation:{still}": 0}
            )

    assert before
    assert after
    assert back.seqs() == [1, 2, 3, 4]


async def test_how_far_one_device_has_read_reaches_the_others_and_only_grows(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    name = somebody()
    async with peer(pair[0], name) as laptop, peer(pair[1], name) as phone:
        room = await laptop.open_conversation()
        await talk(laptop, room, admin, 2)

        for seq in (3, 1, 4):
            await say(laptop, "read", conversation_id=room, seq=seq)
            if seq != 1:
                await phone.hear("read", conversation_id=room, seq=seq)
        subscribed = [await one.join(room) for one in (laptop, phone)]

    assert [one["seq"] for one in phone.heard if one["type"] == "read"] == [3, 4]
    assert [one["read_seq"] for one in subscribed] == [4, 4]


async def test_typing_reaches_the_persons_other_device_alone(pair: Pair) -> None:
    name, stranger_name = somebody(), somebody()
    async with (
        peer(pair[0], name) as laptop,
        peer(pair[1], name) as phone,
        peer(pair[1], name) as elsewhere,
        peer(pair[0], stranger_name) as nosy,
    ):
        room = await laptop.open_conversation()
        await laptop.join(room)
        await phone.join(room)
        await nosy.say("subscribe", channel=f"conversation:{room}")
        await nosy.hear("error", code="not_found")
        await say(nosy, "typing", conversation_id=room, on=True)
        refused = await nosy.hear("error", code="invalid")
        await say(elsewhere, "typing", conversation_id=room, on=True)
        not_joined = await elsewhere.hear("error", code="invalid")

        await say(laptop, "typing", conversation_id=room, on=True)
        on = await phone.hear("typing", on=True)
        await say(laptop, "typing", conversation_id=room, on=False)
        off = await phone.hear("typing", on=False)
        for one in (laptop, elsewhere, nosy):
            await one.say("ping", t=1)
            await one.hear("pong")

    assert (on["conversation_id"], on["user_id"]) == (room, off["user_id"])
    assert refused["field"] == not_joined["field"] == "conversation_id"
    heard = [one["type"] for quiet in (laptop, elsewhere, nosy) for one in quiet.heard]
    assert "typing" not in heard


async def test_a_card_comes_again_at_each_hello_until_it_was_taken_note_of(pair: Pair) -> None:
    name = somebody()
    async with peer(pair[0], name) as speaker:
        room = await speaker.open_conversation()
        await speaker.send(room, SERIOUS)
        card = await speaker.hear("support")
    for one in (pair[1], pair[0]):
        async with peer(one, name) as again:
            assert (await again.hear("support"))["notice_id"] == card["notice_id"]
    async with peer(pair[1], name) as acknowledging:
        await acknowledging.hear("support")
        await say(acknowledging, "notice.ack", notice_id=card["notice_id"])
        await acknowledging.join(room)  # what was said before is done by now

    for one in pair:
        async with peer(one, name) as calm:
            await calm.join(room)
            assert [frame for frame in calm.heard if frame["type"] == "support"] == []


@pytest.mark.parametrize("code", [4401, 4505, 4509])
async def test_a_stream_that_its_token_cuts_goes_on_elsewhere_without_a_gap(pair: Pair, code: int) -> None:
    name, session_id, sent = somebody(), str(uuid.uuid4()), list[Frame]()
    # ran out 6 s ago: a hello is forgiven 10, an open socket 30
    tokens = Tokens(SECRET, ttl_s=60, clock=lambda: time.time() - (66 if code == 4401 else 0))
    async with peer(pair[0], name) as speaker, rest(pair[1], name) as http, foe(pair[0]) as cut:
        room = await speaker.open_conversation()
        hello = text("hello", token=tokens.issue(person_id(name), session_id=session_id))
        await cut.send(hello, text("subscribe", ref="r", channel=f"conversation:{room}", since=0))
        streaming = asyncio.create_task(stream(speaker, room, sent, pause_s=0.3))
        hearing = asyncio.create_task(cut.ended())
        await eventually(lambda: len(sent) > 5)
        if code == 4505:
            await cut.send(text("auth.refresh", token=token(somebody())))
        elif code == 4509:
            await http.delete(f"/v1/me/sessions/{session_id}")
        ended = await hearing
        before = [one["seq"] for one in told(ended) if one["type"] == "message"]
        async with resumed(pair[1], name, **{room: before[-1]}) as back:
            await back.collect(until_seq(before[-1] + 5))
        streaming.cancel()

    assert (ended.code, ended.after) == (code, 0)
    assert before + back.seqs() == list(range(1, back.seqs()[-1] + 1))


async def stream(speaker: Peer, room: str, sent: list[Frame], *, pause_s: float) -> None:
    """Speaks on and on."""
    while True:
        sent.append(await speaker.send(room, "step"))
        await asyncio.sleep(pause_s)
