"""The protocol keeps its word: its committed copies are true, and no client of a released minor breaks."""

import json
from pathlib import Path
from typing import Any

import pytest

from nura_rt.protocol import schema
from protocol_compat import breaking, unnamed
from protocol_picture import drawn

DATA = Path(__file__).parent / "data"
RELEASED = sorted(DATA.glob("protocol-*.json"))


def released(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@pytest.mark.parametrize("path", drawn(), ids=lambda path: path.name)
def test_the_committed_copy_is_what_the_frames_say(path: Path) -> None:
    """Changed on purpose? `make protocol`, and look at the difference."""
    assert path.read_text("utf-8") == drawn()[path]


def test_every_released_minor_is_kept() -> None:
    spoken = schema.document()["x-protocol"]
    before = [f"protocol-{spoken['major']}.{minor}.json" for minor in range(spoken["minor"])]

    assert set(before) <= {path.name for path in RELEASED}


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_no_client_of_a_released_minor_breaks(path: Path) -> None:
    """What is to be taken away waits for the next major; what is new takes a name of its own."""
    assert breaking(released(path), schema.document()) == []


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_what_came_later_says_with_which_minor(path: Path) -> None:
    """In `nura_rt/protocol/minors.py`."""
    assert unnamed(released(path), schema.document()) == []


def test_what_a_released_minor_had_does_not_claim_to_be_newer() -> None:
    for path in RELEASED:
        old = released(path)
        older = [name for name in newer(schema.document(), old["x-protocol"]["minor"]) if name in names(old)]

        assert older == []


def newer(document: dict[str, Any], minor: int) -> list[str]:
    """Frames and fields that say they came after this minor."""
    found = []
    for name, one in document["$defs"].items():
        fields = one.get("properties", {})
        found += [name] if one.get("x-since-minor", 0) > minor else []
        found += [f"{name}.{f}" for f, inner in fields.items() if inner.get("x-since-minor", 0) > minor]
    return found


def names(document: dict[str, Any]) -> set[str]:
    """Every frame, part and field."""
    found = set(document["$defs"])
    for name, one in document["$defs"].items():
        found |= {f"{name}.{field}" for field in one.get("properties", {})}
    return found
