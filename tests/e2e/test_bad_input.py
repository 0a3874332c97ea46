"""Whatever a client sends, it gets the documented answer, and its neighbour on the instance notices nothing."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from nura_rt.protocol.errors import Close
from peers import Peer, ended, peer, stranger
from servers import Instance, StartInstance, token

KIB = 1024
SEND = {"type": "message.send", "ref": "r1", "conversation_id": "c1", "client_id": "m1", "text": "hello"}
HELLO = {"type": "hello"}


class Bystander:
    """A signed-in client with a conversation of its own; `is_well` sends a message through the whole stack."""

    def __init__(self, client: Peer, conversation: str) -> None:
        self._client = client
        self._conversation = conversation

    async def is_well(self) -> bool:
        accepted = await self._client.send(self._conversation, "I am still here")
        reply = await self._client.hear("message", reply_to=accepted["message_id"])
        return bool(reply["text"])


@pytest.fixture
async def bystander(instance: Instance) -> AsyncIterator[Bystander]:
    # another person in each test: one alone may not say so much so fast
    async with peer(instance, f"bystander {uuid.uuid4().hex[:8]}") as client:
        conversation = await client.open_conversation()
        await client.join(conversation)
        yield Bystander(client, conversation)


def said(**changes: Any) -> str:
    """The good `message.send`, changed; a field set to None is left out."""
    return json.dumps({name: value for name, value in {**SEND, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("raw", "code", "field", "ref"),
    [
        ("\x00\x01 garbage", "bad_frame", None, None),
        ("", "bad_frame", None, None),
        ("[1, 2]", "bad_frame", None, None),
        ("null", "bad_frame", None, None),
        ('"hello"', "bad_frame", None, None),
        (json.dumps(SEND)[:-1], "bad_frame", None, None),
        (json.dumps(SEND) + "{}", "bad_frame", None, None),
        ("[" * 60_000, "bad_frame", None, None),
        ('{"text":' * 5_000, "bad_frame", None, None),
        (said(text="x").replace('"x"', '"\\ud800"'), "bad_frame", None, None),
        ('{"ref": "r1"}', "unknown_type", "type", "r1"),
        (said(type="message.sned"), "unknown_type", "type", "r1"),
        (said(type=5), "unknown_type", "type", "r1"),
        (said(type="accepted"), "unknown_type", "type", "r1"),
        (said(extra=1), "invalid", "extra", "r1"),
        (said(text=None), "invalid", "text", "r1"),
        (said(client_id=None), "invalid", "client_id", "r1"),
        (said(ref=None), "invalid", "ref", None),
        (said(ref="x" * 65), "invalid", "ref", "x" * 64),
        (said(conversation_id=5), "invalid", "conversation_id", "r1"),
        (said(conversation_id="../etc"), "invalid", "conversation_id", "r1"),
        (said(client_id="reply:m1"), "invalid", "client_id", "r1"),
        (said(client_id=""), "invalid", "client_id", "r1"),
        (said(client_id="x" * 65), "invalid", "client_id", "r1"),
        (said(text=["hello"]), "invalid", "text", "r1"),
        (said(text=""), "invalid", "text", "r1"),
        (said(text=" \n\t "), "invalid", "text", "r1"),
        (said(text="\x00"), "invalid", "text", "r1"),
        (said(text="x" * 8_001), "too_long", "text", "r1"),
        (json.dumps({"type": "subscribe", "ref": "r1", "channel": "lobby"}), "invalid", "channel", "r1"),
        (json.dumps({"type": "subscribe", "ref": "r1", "channel": "user:me"}), "invalid", "channel", "r1"),
        (json.dumps({"type": "subscribe", "ref": "r1", "channel": "conversation:a b"}), "invalid", "channel", "r1"),
        (json.dumps({"type": "subscribe", "ref": "r1", "channel": ""}), "invalid", "channel", "r1"),
        (
            json.dumps({"type": "subscribe", "ref": "r1", "channel": "conversation:c1", "since": -1}),
            "invalid", "since", "r1",
        ),
        (
            json.dumps({"type": "subscribe", "ref": "r1", "channel": "conversation:c1", "since": 2**70}),
            "invalid", "since", "r1",
        ),
        (
            json.dumps({"type": "conversation.create", "ref": "r1", "client_id": "c1", "title": "x" * 201}),
            "invalid", "title", "r1",
        ),
        (json.dumps({"type": "ping", "t": "now"}), "invalid", "t", None),
    ],
)  # fmt: skip
async def test_a_frame_that_breaks_a_rule_is_answered_and_the_socket_lives(
    instance: Instance, bystander: Bystander, raw: str, code: str, field: str | None, ref: str | None
) -> None:
    async with peer(instance, "clumsy") as client:
        await client.socket.send(raw)

        error = await client.hear("error")
        await client.say("ping", t=1)
        await client.hear("pong", t=1)

    assert (error["code"], error.get("field"), error.get("ref")) == (code, field, ref)
    assert error["temporary"] is False
    assert error["rule"]
    assert await bystander.is_well()


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("garbage", Close.BAD_HELLO),
        (json.dumps(SEND), Close.BAD_HELLO),
        (json.dumps({"type": "ping", "t": 1}), Close.BAD_HELLO),
        (json.dumps(HELLO), Close.BAD_HELLO),
        (json.dumps({**HELLO, "token": "x", "role": "admin"}), Close.BAD_HELLO),
        (json.dumps({**HELLO, "token": ""}), Close.BAD_TOKEN),
        (json.dumps({**HELLO, "token": "not.a.token"}), Close.BAD_TOKEN),
        (json.dumps({**HELLO, "token": token("clumsy")[:-4] + "AAAA"}), Close.BAD_TOKEN),
        (json.dumps({**HELLO, "token": token("clumsy", ttl_s=-60)}), Close.TOKEN_EXPIRED),
        (json.dumps({**HELLO, "token": "x" * 4 * KIB}), Close.FRAME_TOO_LARGE),
        ("x" * 1024 * KIB, Close.FRAME_TOO_LARGE),
        (b"\x00\x01", Close.PROTOCOL_VIOLATION),
        (json.dumps({**HELLO, "token": token("clumsy")}).encode(), Close.PROTOCOL_VIOLATION),
    ],
)
async def test_a_bad_first_frame_closes_the_socket_with_its_code(
    instance: Instance, bystander: Bystander, first: str | bytes, code: Close
) -> None:
    async with stranger(instance) as socket:
        await send_at_least_begin(socket, first)

        closed = await ended(socket)

    assert closed == (code, code.slug)
    assert await bystander.is_well()


async def send_at_least_begin(socket: ClientConnection, message: Any, **options: Any) -> None:
    """A server that has seen enough may close before all is sent."""
    try:
        await socket.send(message, **options)
    except ConnectionClosed:
        return


@pytest.mark.parametrize(
    ("message", "as_text", "code"),
    [
        ("x" * 1024 * KIB, True, Close.FRAME_TOO_LARGE),
        (["x" * 40 * KIB, "x" * 40 * KIB], True, Close.FRAME_TOO_LARGE),
        (b"\x00\x01", False, Close.PROTOCOL_VIOLATION),
        (json.dumps({**HELLO, "token": token("clumsy")}), True, Close.PROTOCOL_VIOLATION),
        (b"\xff\xfe", True, 1007),
        ([b'{"type": "pi', b'ng\xff"}'], True, 1007),
    ],
    ids=[
        "1 MiB",
        "fragments over the limit",
        "binary",
        "second hello",
        "not UTF-8",
        "not UTF-8 in a fragment",
    ],
)
async def test_a_frame_that_breaks_the_protocol_closes_the_socket_with_its_code(
    instance: Instance, bystander: Bystander, message: Any, as_text: bool, code: int
) -> None:
    async with peer(instance, "clumsy") as client:
        await send_at_least_begin(client.socket, message, text=as_text)

        closed = await ended(client.socket)

    assert closed[0] == code
    assert await bystander.is_well()


async def test_the_twenty_first_bad_frame_is_the_last(instance: Instance, bystander: Bystander) -> None:
    async with peer(instance, "clumsy") as client:
        for _ in range(21):
            await client.socket.send("garbage")
            await client.hear("error", code="bad_frame", temporary=False)

        assert await ended(client.socket) == (Close.PROTOCOL_VIOLATION, "protocol_violation")
    assert await bystander.is_well()


async def test_a_socket_without_a_hello_is_told_and_closed_in_time(start_instance: StartInstance) -> None:
    hurried = start_instance(HELLO_TIMEOUT_S="2")  # the bystander's own hello has to come in time too
    async with stranger(hurried) as socket, peer(hurried, "bystander") as client:
        told = await Peer(socket).hear("error", within_s=4.5)  # the usual patience is 5 s
        closed = await ended(socket)

        assert (told["temporary"], told["retry_after_ms"]) == (True, 1000)
        assert closed == (Close.NO_HELLO, "no_hello")
        assert await client.open_conversation()


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example", "subprotocols": None}, 403),
        ({"subprotocols": None}, 400),
        ({"subprotocols": [Subprotocol("nura.v2")]}, 400),
        ({"subprotocols": [Subprotocol("graphql-ws")]}, 400),
    ],
)
async def test_a_strange_handshake_is_refused_with_an_http_status(
    instance: Instance, bystander: Bystander, options: dict[str, Any], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with stranger(instance, **options):
            pass

    response = refused.value.response
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.body or b"")["status"] == status
    assert await bystander.is_well()


async def test_our_own_page_may_connect(instance: Instance) -> None:
    async with stranger(instance, origin=instance.url) as socket:
        assert socket.subprotocol == "nura.v1"


async def test_a_plain_get_on_the_sockets_address_is_told_to_upgrade(
    instance: Instance, bystander: Bystander
) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.get(f"{instance.url}/v1/socket")

    assert response.status_code == 426
    assert response.headers["upgrade"] == "websocket"
    assert response.headers["content-type"] == "application/problem+json"
    assert await bystander.is_well()


@pytest.mark.parametrize("kind", ["subscribe", "message.send"])
async def test_anothers_conversation_looks_exactly_like_a_missing_one(
    instance: Instance, bystander: Bystander, kind: str
) -> None:
    async with peer(instance, "owner") as owner, peer(instance, "intruder") as intruder:
        real = await owner.open_conversation(title="Mine alone")
        await owner.join(real)

        answers = [await knock(intruder, kind, conversation) for conversation in (real, str(uuid.uuid4()))]
        own = await intruder.open_conversation()
        accepted = await intruder.send(own, "the socket lives")
        overheard = await owner.silence(for_s=0.2)

    assert answers[0] == answers[1]
    assert answers[0]["code"] == "not_found"
    assert accepted["seq"] == 1
    assert overheard == []
    assert await bystander.is_well()


async def knock(intruder: Peer, kind: str, conversation: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"channel": f"conversation:{conversation}"}
    if kind == "message.send":
        fields = {"conversation_id": conversation, "client_id": uuid.uuid4().hex, "text": "let me in"}
    ref = await intruder.say(kind, **fields)
    error = await intruder.hear("error", ref=ref)
    return {name: value for name, value in error.items() if name != "ref"}


async def test_what_was_sent_too_fast_is_refused_and_taken_later(
    instance: Instance, bystander: Bystander
) -> None:
    async with peer(instance, "hasty") as hasty:
        conversation = await hasty.open_conversation()
        messages = [
            {"conversation_id": conversation, "client_id": f"h{n}", "text": "quick"} for n in range(40)
        ]
        refs = [await hasty.say("message.send", **message) for message in messages]
        answers = await hasty.collect(lambda heard: sum(frame.get("ref") in refs for frame in heard) == 40)
        refused = [frame for frame in answers if frame["type"] == "error"]
        waits = [frame["retry_after_ms"] for frame in refused]
        await hasty.silence(for_s=max(waits) / 1000)

        late = await hasty.send(
            conversation, "quick", client_id=messages[refs.index(refused[0]["ref"])]["client_id"]
        )

    assert {frame["code"] for frame in refused} == {"too_fast"}
    assert 1 <= len(refused) <= 20
    assert all(frame["temporary"] and 0 < frame["retry_after_ms"] <= 1000 for frame in refused)
    assert late["duplicate"] is False
    assert await bystander.is_well()
