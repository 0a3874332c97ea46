"""What docs/protocol.md shows happens as it is written, on a running server."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from exchanges import Bound, Player, Story, stories

from nura_rt.protocol import schema
from servers import Instance, StartInstance

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
STORIES = stories(PAGE)
LINES = [line for story in STORIES for line in story.lines]
ONE, OTHER = "3f2b6c1e-7f4f-4d0e-9b63-00000000000a", "3f2b6c1e-7f4f-4d0e-9b63-00000000000b"


async def test_the_story_happens_as_it_is_written(instance: Instance) -> None:
    (story,) = [one for one in STORIES if not one.settings]

    async with AsyncExitStack() as stack:
        await Player(instance, stack).play(story)


@pytest.mark.slow
@pytest.mark.parametrize("story", [one for one in STORIES if one.settings], ids=lambda one: one.name)
async def test_a_story_with_settings_of_its_own_does_too(story: Story, start_instance: StartInstance) -> None:
    instance = start_instance(**story.settings)

    async with AsyncExitStack() as stack:
        await Player(instance, stack).play(story)


def test_every_frame_that_is_shown_is_one_of_the_protocol() -> None:
    whole = schema.document()
    unions = {"->": "ClientFrame", "<-": "ServerFrame"}
    fits = {
        sign: jsonschema_rs.validator_for({"$ref": f"#/$defs/{union}", "$defs": whole["$defs"]})
        for sign, union in unions.items()
    }
    shown = [line for line in LINES if line.sign in unions and line.said.startswith("{")]
    full = [line for line in shown if "…" not in line.frame]

    assert [line.number for line in full if not fits[line.sign].is_valid(without_rest(line.frame))] == []
    assert len(full) > 20


def without_rest(value: Any) -> Any:
    """Without the `…` that stands for more items of a list."""
    if isinstance(value, dict):
        return {name: without_rest(inner) for name, inner in value.items()}
    return [without_rest(one) for one in value if one != "…"] if isinstance(value, list) else value


def test_every_frame_a_client_may_send_is_shown() -> None:
    shown = {line.frame["type"] for line in LINES if line.sign == "->"}

    assert shown == {frame.__struct_config__.tag for _, frame in schema.frames_of("Client")}


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"a": 1, "b": 1}, {"a": 1}, False),
        ({"a": "x"}, {"a": "y"}, False),
        ({"a": "I hear …"}, {"a": "I hear you"}, True),
        ({"a": "I hear …"}, {"a": "You hear"}, False),
        ({"a": ONE}, {"a": OTHER}, True),
        ({"a": ONE}, {"a": "an id"}, False),
        ({"a": ONE, "b": ONE}, {"a": OTHER, "b": OTHER}, True),
        ({"a": ONE, "b": ONE}, {"a": OTHER, "b": ONE}, False),
        ({"a": ONE, "b": OTHER}, {"a": ONE, "b": ONE}, False),
        ({"a": f"user:{ONE}"}, {"a": f"user:{OTHER}"}, True),
        ({"a": f"user:{ONE}"}, {"a": f"call:{OTHER}"}, False),
        ({"a": ONE, "b": {ONE: 1}}, {"a": OTHER, "b": {OTHER: 1}}, True),
        ({"a": ONE, "b": {ONE: 1}}, {"a": OTHER, "b": {ONE: 1}}, False),
        ({"a": "2026-11-22T10:00:00.1Z"}, {"a": "2027-01-01T00:00:00Z"}, True),
        ({"a": "2026-11-22T10:00:00.1Z"}, {"a": "soon"}, False),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 1}, True),
        ({"a": 1, "…": "…"}, {"b": 1}, False),
        ({"a": 1, "…": "…"}, {"a": 2, "b": 1}, False),
        ({"retry_after_ms": 100}, {"retry_after_ms": 7}, True),
        ({"retry_after_ms": 100}, {"retry_after_ms": -7}, False),
        ([1, 2], [1], False),
        ([1, "…"], [1, 2, 3], True),
    ],
)
def test_what_came_is_compared_by_what_it_stands_for(shown: Any, came: Any, same: bool) -> None:
    assert (Bound().differs(shown, came) is None) is same


def test_what_did_not_fit_is_forgotten() -> None:
    bound = Bound()

    assert bound.differs({"a": ONE, "b": 1}, {"a": OTHER, "b": 2}) == "frame.b is 2"
    assert bound.real({"a": f"user:{ONE}"}) == {"a": f"user:{ONE}"}
    assert bound.differs({"a": ONE}, {"a": OTHER}) is None
    assert bound.real([f"user:{ONE}"]) == [f"user:{OTHER}"]


def test_a_line_that_says_nothing_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="line 2 is not an exchange's"):
        stories("```frames\nhello there\n```\n")
