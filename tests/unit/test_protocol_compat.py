"""The one who watches over old clients catches every kind of break, and lets pass what is no break."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nura_rt.protocol import schema
from protocol_compat import breaking, unnamed

Document = dict[str, Any]
Change = Callable[[Document], object]  # of the definitions

NOW = schema.document()


def changed(change: Change) -> Document:
    """The protocol as it is, but for this."""
    document = copy.deepcopy(NOW)
    change(document["$defs"])
    return document


def field(defs: Document, path: str) -> Document:
    """`Frame.field` -> the schema of the field."""
    name, _, inner = path.partition(".")
    found: Document = defs[name]["properties"][inner]
    return found


def put(path: str, **words: Any) -> Change:
    return lambda defs: field(defs, path).update(words)


def replace(path: str, value: Document) -> Change:
    name, _, inner = path.partition(".")
    return lambda defs: defs[name]["properties"].update({inner: value})


def drop(path: str) -> Change:
    def change(defs: Document) -> None:
        name, _, inner = path.partition(".")
        del defs[name]["properties"][inner]
        defs[name]["required"] = [word for word in defs[name]["required"] if word != inner]

    return change


def drop_frame(union: str, name: str) -> Change:
    def change(defs: Document) -> None:
        defs[union]["oneOf"] = [one for one in defs[union]["oneOf"] if not one["$ref"].endswith("/" + name)]

    return change


def add(path: str, value: Document, *, required: bool) -> Change:
    def change(defs: Document) -> None:
        name, _, inner = path.partition(".")
        defs[name]["properties"][inner] = value
        defs[name]["required"] += [inner] * required

    return change


def requiring(path: str, *, required: bool) -> Change:
    def change(defs: Document) -> None:
        name, _, inner = path.partition(".")
        kept = [word for word in defs[name]["required"] if word != inner]
        defs[name]["required"] = [*kept, *[inner] * required]

    return change


def drop_code(kind: str, code: object) -> Change:
    def change(defs: Document) -> None:
        defs[kind]["oneOf"] = [one for one in defs[kind]["oneOf"] if one["const"] != code]

    return change


def rename_code(defs: Document) -> None:
    defs["CloseCode"]["oneOf"][0]["title"] = "leaving"


def add_frame(defs: Document) -> None:
    for side in ("Client", "Server"):
        fresh = {"properties": {"type": {"const": "wave"}}, "required": ["type"], "type": "object"}
        defs[f"{side}Wave"] = {**fresh, "x-since-minor": 2}
        defs[f"{side}Frame"]["oneOf"].append({"$ref": f"#/$defs/{side}Wave"})


def add_frame_without_minor(defs: Document) -> None:
    add_frame(defs)
    del defs["ServerWave"]["x-since-minor"]


def add_codes(defs: Document) -> None:
    defs["ErrorCode"]["oneOf"].append({"const": "tired", "x-since-minor": 2})
    defs["CloseCode"]["oneOf"].append({"const": 4409, "title": "tired", "x-since-minor": 2})


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}

BREAKS: dict[str, tuple[Change, str]] = {
    "a client frame goes": (drop_frame("ClientFrame", "ClientPing"), "client frame ping: is not taken any more"),
    "a server frame goes": (drop_frame("ServerFrame", "ServerPong"), "server frame pong: does not come any more"),
    "a client frame's tag changes": (
        put("ClientPing.type", const="hey"), "client frame ping: is not taken any more",
    ),
    "a server frame's tag changes": (
        put("ServerPong.type", const="hey"), "server frame pong: does not come any more",
    ),
    "a client field goes": (
        drop("ClientHello.device"), "client frame hello.device: is not taken any more",
    ),
    "a server field goes": (
        drop("ServerAccepted.seq"), "server frame accepted.seq: does not come any more",
    ),
    "an optional server field goes": (
        drop("ServerMessage.author"), "server frame message.author: does not come any more",
    ),
    "a server field may be left out": (
        requiring("ServerAccepted.seq", required=False), "server frame accepted.seq: may be left out",
    ),
    "a client field becomes required": (
        requiring("ClientHello.device", required=True), "client frame hello.device: is required",
    ),
    "a new client field is required": (
        add("ClientPing.mood", TEXT, required=True), "client frame ping.mood: is required",
    ),
    "a client field's type changes": (
        replace("ClientMessageSend.text", WHOLE), "client frame message.send.text: was another type",
    ),
    "a server field's type changes": (
        replace("ServerAccepted.seq", TEXT), "server frame accepted.seq: was another type",
    ),
    "a server field becomes wider": (
        replace("ServerAccepted.seq", {"type": "number"}), "server frame accepted.seq: was another type",
    ),
    "a server field may be null": (
        replace("ServerAccepted.seq", {"anyOf": [WHOLE, {"type": "null"}]}),
        "server frame accepted.seq: was another type",
    ),
    "a client field may no longer be null": (
        replace("ClientSubscribe.since", WHOLE), "client frame subscribe.since: was another type",
    ),
    "a client's limit is tighter": (
        put("ClientMessageSend.ref", maxLength=32), "client frame message.send.ref: maxLength is tighter",
    ),
    "a client's minimum is higher": (
        put("ClientMessageSend.ref", minLength=2), "client frame message.send.ref: minLength is tighter",
    ),
    "a client's field gets a limit": (
        put("ClientMessageSend.text", maxLength=9), "client frame message.send.text: maxLength is tighter",
    ),
    "a client's list is shorter": (
        put("ClientHello.resume", maxItems=10), "client frame hello.resume: maxItems is tighter",
    ),
    "a client's pattern is another": (
        put("ClientMessageSend.client_id", pattern="^[a-z]+$"),
        "client frame message.send.client_id: pattern is tighter",
    ),
    "a part of a client frame is tighter": (
        put("Resumed.seq", minimum=1), "client frame hello.resume[].seq: minimum is tighter",
    ),
    "the client's words are fewer": (
        replace("ClientTyping.on", {"const": True}), "client frame typing.on: may be anything",
    ),
    "the server's words are more": (
        put("ServerGap.reason", enum=["lost", "removed", "trimmed", "eaten"]),
        "server frame gap.reason: may be eaten",
    ),
    "a moment is no moment any more": (
        replace("ServerAccepted.committed_at", TEXT), "server frame accepted.committed_at: format is tighter",
    ),
    "a part of a server frame loses a field": (
        drop("Conversation.status"), "server frame conversation.changed.conversation.status: does not come any more",
    ),
    "the values of a map change": (
        replace("ServerPong.heads", {"type": "object", "additionalProperties": TEXT}),
        "server frame pong.heads{}: was another type",
    ),
    "a map becomes a frame's part": (
        replace("ServerPong.heads", {"$ref": "#/$defs/Version"}), "server frame pong.heads: was another type",
    ),
    "a part becomes a map": (
        replace("ServerWelcome.protocol", {"type": "object", "additionalProperties": WHOLE}),
        "server frame welcome.protocol: was another type",
    ),
    "an error code goes": (drop_code("ErrorCode", "busy"), "ErrorCode busy: is gone"),
    "a close code goes": (drop_code("CloseCode", 4408), "CloseCode 4408: is gone"),
    "a close code has another name": (rename_code, "CloseCode 4000: has another name"),
}  # fmt: skip

ALLOWED: dict[str, Change] = {
    "nothing": lambda defs: None,
    "a new frame each way": add_frame,
    "a new optional client field": add("ClientPing.mood", TEXT, required=False),
    "a new server field": add("ServerPong.mood", TEXT, required=True),
    "a new optional server field": add("ServerPong.mood", TEXT, required=False),
    "new codes": add_codes,
    "a client's limit is wider": put("ClientMessageSend.ref", maxLength=128),
    "a client field need not be sent": requiring("ClientMessageSend.ref", required=False),
    "a client field may be null": replace("ClientMessageSend.text", {"anyOf": [TEXT, {"type": "null"}]}),
    "a server field always comes": requiring("ServerMessage.client_id", required=True),
    "the server's words are fewer": put("ServerGap.reason", enum=["lost"]),
    "a number from the server is whole": replace("ServerWelcome.heartbeat_s", WHOLE),
    "other words beside a field": put("ServerPong.t", description="tick"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_told(name: str) -> None:
    change, sentence = BREAKS[name]

    assert breaking(NOW, changed(change)) == [sentence]


@pytest.mark.parametrize("name", ALLOWED)
def test_what_breaks_nobody_is_let_pass(name: str) -> None:
    assert breaking(NOW, changed(ALLOWED[name])) == []


def test_a_new_major_may_do_as_it_likes() -> None:
    next_major = changed(drop_frame("ServerFrame", "ServerPong")) | {"x-protocol": {"major": 2, "minor": 0}}

    assert breaking(NOW, next_major) == []


def test_a_minor_does_not_go_back() -> None:
    assert breaking(NOW, {**NOW, "x-protocol": {"major": 1, "minor": 0}}) == ["the minor went back"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda defs: None, []),
        (add_frame, []),
        (add_frame_without_minor, ["ServerWave"]),
        (add("ServerPong.mood", TEXT, required=False), ["ServerPong.mood"]),
        (add("ServerPong.mood", {**TEXT, "x-since-minor": 1}, required=False), ["ServerPong.mood"]),
        (add("ServerPong.mood", {**TEXT, "x-since-minor": 2}, required=False), []),
        (add_codes, []),
        (lambda defs: defs["ErrorCode"]["oneOf"].append({"const": "tired"}), ["ErrorCode tired"]),
        (lambda defs: defs["CloseCode"]["oneOf"].append({"const": 4409}), ["CloseCode 4409"]),
    ],
)
def test_what_is_new_must_say_with_which_minor(change: Change, names: list[str]) -> None:
    assert unnamed(NOW, changed(change)) == names
