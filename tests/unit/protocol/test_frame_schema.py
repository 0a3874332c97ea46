"""The JSON Schema says what the decoder does, field by field and limit by limit."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from nura_rt.protocol import codec, meanings, minors, schema, server
from nura_rt.protocol.comments import comments
from nura_rt.protocol.errors import Close, Code

Frame = dict[str, Any]

GOLDEN = Path(__file__).parents[2] / "data" / "frames.json"
SAID: list[Frame] = json.loads(GOLDEN.read_text("utf-8"))
CLIENT: list[Frame] = [
    {"type": "hello", "token": "t", "device": "d", "resume": [{"channel": "conversation:c", "seq": 1}]},
    {"type": "auth.refresh", "token": "t", "ref": "r"},
    {"type": "subscribe", "ref": "r", "channel": "conversation:c", "since": 1},
    {"type": "unsubscribe", "ref": "r", "channel": "conversation:c"},
    {"type": "conversation.create", "ref": "r", "client_id": "c", "title": "t"},
    {"type": "message.send", "ref": "r", "conversation_id": "c", "client_id": "c", "text": "t"},
    {"type": "typing", "conversation_id": "c", "on": True},
    {"type": "read", "conversation_id": "c", "seq": 1},
    {"type": "notice.ack", "notice_id": "n"},
    {"type": "ping", "t": 1},
]
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**53 - 1, 2**53, [], {}, "", " ", "a b", "ä", "a\n",
    "x" * 64, "x" * 65, "x" * 100, "x" * 101, "x" * 128, "x" * 129, "x" * 200, "x" * 201,
    [{"channel": "c", "seq": 1}] * 100, [{"channel": "c", "seq": 1}] * 101,
    [{"channel": "c", "seq": -1}], [{"channel": "c"}], [{"channel": "c", "seq": 1, "more": 1}],
]  # fmt: skip


def validator(union: str) -> jsonschema_rs.Validator:
    whole = schema.document()
    return jsonschema_rs.validator_for(
        {"$ref": f"#/$defs/{union}", "$defs": whole["$defs"]}, validate_formats=True
    )


def decodes(frame: Frame) -> bool:
    try:
        codec.decode(json.dumps(frame))
    except codec.FrameError:
        return False
    return True


def mutations(frame: Frame) -> list[Frame]:
    """This frame without each of its fields, with one too many, and with each odd value in each place."""
    less = [{name: value for name, value in frame.items() if name != gone} for gone in frame]
    odd = [{**frame, name: value} for name in frame if name != "type" for value in ODD]
    return [frame, {**frame, "more": 1}, {**frame, "type": "nonsense"}, *less, *odd]


def test_there_is_a_frame_of_each_kind_to_try() -> None:
    tags = {frame.__struct_config__.tag for _, frame in schema.frames_of("Client")}

    assert {frame["type"] for frame in CLIENT} == tags


@pytest.mark.parametrize("frame", CLIENT, ids=lambda frame: frame["type"])
def test_a_client_frame_fits_exactly_when_it_is_decoded(frame: Frame) -> None:
    fits = validator("ClientFrame")
    tried = mutations(frame)

    different = [one for one in tried if fits.is_valid(one) != decodes(one)]
    assert different == []
    assert {decodes(one) for one in tried} == {True, False}


@pytest.mark.parametrize("frame", SAID, ids=lambda frame: frame["type"])
def test_a_server_frame_fits_with_and_without_what_may_be_left_out(frame: Frame) -> None:
    fits = validator("ServerFrame")
    kinds = {kind.__struct_config__.tag: kind for _, kind in schema.frames_of("Server")}
    required = {field.encode_name for field in msgspec.structs.fields(kinds[frame["type"]]) if field.required}
    least = {name: value for name, value in frame.items() if name in required | {"type"}}
    sent = json.loads(codec.encode(msgspec.convert(least, server.ServerFrame)))

    assert fits.is_valid(frame)
    assert fits.is_valid(sent)
    assert fits.is_valid({**frame, "field_of_a_later_minor": 1})


@pytest.mark.parametrize("frame", SAID, ids=lambda frame: frame["type"])
def test_a_server_frame_lacks_nothing_that_always_comes(frame: Frame) -> None:
    name = next(
        schema.name_of(side, kind)
        for side, kind in schema.frames_of("Server")
        if kind.__struct_config__.tag == frame["type"]
    )
    fits = validator(name)

    for gone in schema.document()["$defs"][name]["required"]:
        assert not fits.is_valid({key: value for key, value in frame.items() if key != gone})


def test_a_server_frame_has_no_null_where_the_server_leaves_it_out() -> None:
    frame = next(frame for frame in SAID if frame["type"] == "message")

    assert not validator("ServerMessage").is_valid({**frame, "reply_to": None})


def test_the_whole_fits_the_frames_of_both_sides() -> None:
    fits = jsonschema_rs.validator_for(schema.document())

    assert all(fits.is_valid(frame) for frame in [*CLIENT, *SAID])
    assert not fits.is_valid({"type": "nonsense"})


def test_a_frame_fits_one_schema_only() -> None:
    whole = schema.document()
    names = [schema.name_of(side, frame) for side, frame in schema.frames_of("Server")]

    for frame in SAID:
        assert len([name for name in names if validator(name).is_valid(frame)]) == 1
    assert len(whole["$defs"]["ServerFrame"]["oneOf"]) == len(names)


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(schema.document())
    names = {part.partition('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}

    assert names
    assert names <= set(schema.document()["$defs"])


def test_what_stands_beside_a_field_is_its_description() -> None:
    fields = schema.document()["$defs"]["ServerSubscribed"]["properties"]

    assert fields["recovered"]["description"].startswith("false: more was missed")
    assert comments(server.Gap) == {"reason": "lost: read the history over REST"}


def test_every_code_says_what_it_means_and_nothing_else_is_explained() -> None:
    assert set(meanings.CODES) == {str(code) for code in Code}
    assert set(meanings.CLOSES) == {int(code) for code in Close}


def test_the_table_of_minors_names_what_is_there() -> None:
    frames = {frame for _, frame in schema.frames_of("Client", "Server")}
    fields = {(frame, name) for frame in frames for name in frame.__struct_fields__}

    assert set(minors.FRAMES) <= frames
    assert set(minors.FIELDS) <= fields
    assert set(minors.CODES) <= {str(code) for code in Code}
    assert set(minors.CLOSES) <= {int(code) for code in Close}
    assert max(minors.FRAMES.values()) <= server.Version().minor


def test_the_document_is_made_anew_each_time() -> None:
    first = schema.document()
    kept = copy.deepcopy(first)
    first["$defs"].clear()

    assert schema.document() == kept
