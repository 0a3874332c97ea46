"""Three kinds of files become cases; what cannot be read is named by place and rule, and never quoted."""

import json
from pathlib import Path
from typing import Any

import pytest

from nura_rt.quality import cases
from nura_rt.quality.cases import Case, CasesError, Span, Turn

SECRET = "nobody may read this"


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_our_lines_are_cases_with_all_they_say(tmp_path: Path) -> None:
    line = {"text": "hi", "category": "c", "level": "low", "spans": [{"type": "PHONE", "start": 0, "end": 2}]}
    turns = {
        "turns": [{"role": "assistant", "text": "a"}, {"role": "user", "text": "b"}],
        "split": "dev",
        "id": 1,
    }

    found = cases.read(file(tmp_path, f"{json.dumps(line)}\n\n{json.dumps(turns)}\n"))

    assert found == [
        Case((Turn("user", "hi"),), "c", "low", (Span("PHONE", 0, 2),)),
        Case((Turn("assistant", "a"), Turn("user", "b")), split="dev"),
    ]


def test_presidio_research_is_read_with_our_names_of_types(tmp_path: Path) -> None:
    span = {"entity_type": "PHONE_NUMBER", "start_position": 5, "end_position": 9, "entity_value": "1234"}

    found = cases.read(file(tmp_path, json.dumps([{"full_text": "call 1234", "spans": [span]}])))

    assert found == [Case((Turn("user", "call 1234"),), spans=(Span("PHONE", 5, 9),))]


def test_each_turn_of_locomo_is_an_ordinary_case(tmp_path: Path) -> None:
    talk = {
        "conversation": {"session_1": [{"text": "a"}, {"text": "b"}], "session_1_date_time": "x"},
        "qa": [],
    }

    found = cases.read(file(tmp_path, json.dumps([talk])))

    assert [case.turns[0].text for case in found] == ["a", "b"]
    assert {case.level for case in found} == {"none"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"text": SECRET, "turns": [{"role": "user", "text": "x"}]}, "either `text` or `turns`"),
        ({"txt": SECRET}, "either `text` or `turns`"),
        ({"turns": []}, "either `text` or `turns`"),
        ({"text": 7, "note": SECRET}, "$.text"),
        ({"text": SECRET, "level": "grave"}, "$.level"),
        ({"turns": [{"role": "user", "words": SECRET}]}, "$.turns[0]"),
        ([SECRET], "Expected `object`"),
    ],
)
def test_a_bad_line_is_named_and_not_quoted(tmp_path: Path, line: Any, says: str) -> None:
    with pytest.raises(CasesError) as refused:
        cases.read(file(tmp_path, '{"text": "fine"}\n' + json.dumps(line)))

    assert str(refused.value).startswith("line 2: ")
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{nothing", "line 1: must be one JSON object"),
        (b'{"text": "\xff"}', "line 1: must be one JSON object"),
        (b'[{"full_text": 1}]', "item 1: must have `full_text`"),
        (b"[1, 2", "must be JSON lines or one JSON list"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(CasesError, match=says.replace("`", "[`]")):
        cases.read(file(tmp_path, content))
