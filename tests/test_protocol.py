"""The protocol keeps its word: its committed copies are true, and no client of a released minor breaks."""

import json
from pathlib import Path
from typing import Any

import pytest

from nura_rt.protocol import meanings, minors, schema
from nura_rt.protocol.errors import Close
from protocol_compat import breaking, unnamed
from protocol_picture import drawn

DATA = Path(__file__).parent / "data"
PAGE = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text("utf-8")
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


@pytest.mark.parametrize("code", meanings.CODES)
def test_the_page_and_the_schema_explain_an_error_in_the_same_words(code: str) -> None:
    assert f"| `{code}` | {meanings.CODES[code]} |" in PAGE


@pytest.mark.parametrize("code", list(Close))
def test_the_page_and_the_schema_explain_a_close_code_in_the_same_words(code: Close) -> None:
    assert f"| {int(code)} | `{code.slug}` | {meanings.CLOSES[code]} |" in PAGE


def test_the_page_says_what_the_newest_minor_brought() -> None:
    spoken = schema.document()["x-protocol"]
    said = next(part for part in PAGE.split("\n\n") if part.startswith(f"Minor {spoken['minor']} brought "))
    tags = {frame: str(frame.__struct_config__.tag) for frame in minors.FRAMES} | {
        frame: str(frame.__struct_config__.tag) for frame, _ in minors.FIELDS
    }
    newest = [tags[frame] for frame, minor in minors.FRAMES.items() if minor == spoken["minor"]]
    newest += [
        f"{tags[frame]}.{name}" for (frame, name), minor in minors.FIELDS.items() if minor == spoken["minor"]
    ]

    assert f"This is {spoken['major']}.{spoken['minor']}." in PAGE
    assert [name for name in newest if f"`{name}`" not in said] == []
