"""The golden copy of the wire: one example of every server frame. Change tests/data/frames.json only on purpose."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nura_rt.protocol import codec, server

GOLDEN = Path(__file__).parents[2] / "data" / "frames.json"
EXAMPLES: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))
FRAMES = {frame.__struct_config__.tag: frame for frame in server.ServerFrame.__args__}


def test_every_server_frame_has_one_example() -> None:
    assert sorted(example["type"] for example in EXAMPLES) == sorted(map(str, FRAMES))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_a_frame_is_what_it_was(example: dict[str, Any]) -> None:
    frame = msgspec.convert(example, server.ServerFrame)

    assert json.loads(codec.encode(frame)) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_an_example_shows_every_field(example: dict[str, Any]) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(FRAMES[example["type"]])}

    assert fields | {"type"} == set(example)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_a_frame_has_no_field_it_does_not_need(example: dict[str, Any]) -> None:
    required = {
        field.encode_name for field in msgspec.structs.fields(FRAMES[example["type"]]) if field.required
    }
    least = {name: value for name, value in example.items() if name in required | {"type"}}

    assert json.loads(codec.encode(msgspec.convert(least, server.ServerFrame))) == (
        {**least, "protocol": {"major": 1, "minor": 1}} if example["type"] == "welcome" else least
    )
