"""The TypeScript types: each part of the schema once, optional where it may be left out, in the words of the frames."""

import re
from typing import Any

import pytest

from nura_rt.protocol import schema
from nura_rt.protocol.typescript import declarations

DOCUMENT = schema.document()
TEXT = declarations(DOCUMENT)
BLOCKS = dict(
    re.findall(r"^export (?:interface|type) (\w+)(.*?)(?=^export |\Z)", TEXT, re.MULTILINE | re.DOTALL)
)


def written(one: dict[str, Any]) -> str:
    """The declaration of one schema alone."""
    return declarations({"title": "t", "$defs": {"It": one}}).partition("\n\n")[2]


def test_every_part_is_declared_once() -> None:
    names = re.findall(r"^export (?:interface|type) (\w+)", TEXT, re.MULTILINE)

    assert names == list(DOCUMENT["$defs"])


def test_every_name_that_is_used_is_declared() -> None:
    code = re.sub(r"/\*\*.*?\*/|//[^\n]*|\"[^\"]*\"", "", TEXT, flags=re.DOTALL)
    used = set(re.findall(r"\b[A-Z]\w+", code)) - {"Array", "Record"}

    assert used == set(DOCUMENT["$defs"])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ClientHello", "token: string;"),
        ("ClientHello", "device?: string | null;"),
        ("ClientHello", "resume?: Array<Resumed>;"),
        ("ServerGap", 'type: "gap";'),
        ("ServerGap", "from: number;"),
        ("ServerGap", 'reason: "lost" | "removed" | "trimmed";'),
        ("ServerPong", "heads: Record<string, number>;"),
        ("ServerError", "code: ErrorCode | (string & {});"),
        ("ServerSubscribed", "tail?: number;"),
        ("ServerMessage", "reply_to?: string;"),
        ("ServerFrame", "| ServerGap"),
        ("CloseCode", "| 4408"),
        ("ErrorCode", '| "too_fast"'),
    ],
)
def test_a_declaration_has_this_line(name: str, line: str) -> None:
    assert f"  {line}" in BLOCKS[name]


def test_what_came_with_a_minor_says_so() -> None:
    assert "@since minor 1" in BLOCKS["ClientHello"]
    assert "@since minor 1 */\n  | 4507" in BLOCKS["CloseCode"]


def test_brackets_and_comments_close() -> None:
    assert TEXT.count("/**") == TEXT.count("*/")
    assert TEXT.count("{") == TEXT.count("}")
    assert max(map(len, TEXT.splitlines())) <= 130


def test_a_comment_cannot_end_early() -> None:
    text = written({"description": "all of */ this", "properties": {}, "required": []})

    assert text == "/** all of * / this */\nexport interface It {\n}\n"
