"""The AsyncAPI document: whole by those rules of AsyncAPI 3.0 that need no schema to be told, and true to the frames.

`@asyncapi/specs` (its JSON Schema 3.0.0) found nothing wrong with it on 2026-11-22; it is not kept here.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from nura_rt.protocol import schema
from nura_rt.protocol.asyncapi import asyncapi
from nura_rt.protocol.errors import Close, Code

DOCUMENT = asyncapi()
CHANNEL = DOCUMENT["channels"]["socket"]
OPERATIONS: dict[str, dict[str, Any]] = DOCUMENT["operations"]
GOLDEN = Path(__file__).parents[2] / "data" / "frames.json"
SAID: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def at(pointer: str) -> Any:
    """What a reference means."""
    found: Any = DOCUMENT
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/")]
    return found


def test_it_says_which_asyncapi_it_is_and_has_only_the_rooms_of_it() -> None:
    rooms = {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }

    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) <= rooms
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert all({"host", "protocol"} <= set(server) for server in DOCUMENT["servers"].values())


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))

    assert len(found) > 50
    assert [pointer for pointer in found if at(pointer) is None] == []


def test_every_name_is_one_that_asyncapi_allows() -> None:
    names = [name for room in DOCUMENT["components"].values() for name in room]

    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9._-]+", name)] == []


def test_every_operation_is_whole() -> None:
    for operation in OPERATIONS.values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"] == {"$ref": "#/channels/socket"}
        spoken = [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
        # a message of an operation must be named through its channel
        assert all(one["$ref"].startswith("#/channels/socket/messages/") for one in spoken)


def test_every_frame_is_a_message_of_one_direction() -> None:
    sent = {action: set[str]() for action in ("send", "receive")}
    for operation in OPERATIONS.values():
        sent[operation["action"]] |= {one["$ref"].rpartition("/")[2] for one in operation["messages"]}

    for side, action in (("Client", "receive"), ("Server", "send")):
        assert sent[action] == {schema.name_of(side, frame) for _, frame in schema.frames_of(side)}
    assert (
        set(CHANNEL["messages"]) == set(DOCUMENT["components"]["messages"]) == sent["send"] | sent["receive"]
    )


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_a_message_says_what_it_is(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    payload = at(message["payload"]["$ref"])

    assert payload["properties"]["type"] == {"const": message["name"]}
    assert message["description"] == payload["description"]
    assert message["summary"]
    assert message.get("x-since-minor") == payload.get("x-since-minor")
    assert ("correlationId" in message) == ("ref" in payload["properties"])


@pytest.mark.parametrize("frame", SAID, ids=lambda frame: frame["type"])
def test_a_frame_fits_the_payload_of_one_message(frame: dict[str, Any]) -> None:
    named = [
        message
        for name, message in DOCUMENT["components"]["messages"].items()
        if name.startswith("Server") and message["name"] == frame["type"]
    ]

    assert len(named) == 1
    whole = {**named[0]["payload"], "components": DOCUMENT["components"]}
    assert jsonschema_rs.validator_for(whole).is_valid(frame)


def test_what_came_with_minor_1_says_so() -> None:
    late = {
        name for name, one in DOCUMENT["components"]["messages"].items() if one.get("x-since-minor", 0) == 1
    }

    assert {"ClientRead", "ClientTyping", "ClientNoticeAck", "ServerGap", "ServerHeartbeat"} <= late
    assert DOCUMENT["components"]["schemas"]["ClientHello"]["properties"]["resume"]["x-since-minor"] == 1


def test_every_code_is_explained() -> None:
    assert [one["code"] for one in CHANNEL["x-error-codes"]] == [str(code) for code in Code]
    assert [one["code"] for one in CHANNEL["x-close-codes"]] == [int(code) for code in Close]
    assert all(one["description"] for one in CHANNEL["x-error-codes"] + CHANNEL["x-close-codes"])
    assert {one["code"] for one in CHANNEL["x-close-codes"] if one["reconnect"]} == {
        int(code) for code in Close if code < 4500
    }
