"""Labelled files -> cases. Reads our own JSON lines, presidio-research's JSON and LoCoMo's conversations.

LoCoMo is ordinary chat: each of its turns is a case where nothing should be found.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from nura_rt.pipeline.turn import Level

ORDINARY = "ordinary"  # the category of turns nobody labelled

_OURS = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "US_SSN": "SSN",
    "IP_ADDRESS": "IP", "STREET_ADDRESS": "ADDRESS", "DOMAIN_NAME": "URL", "US_DRIVER_LICENSE": "ACCOUNT",
}  # fmt: skip


class CasesError(ValueError):
    """The file cannot be read as cases; the message names the place and the rule, never a text."""


class Turn(msgspec.Struct, frozen=True):
    """One turn of a talk."""

    role: str  # `user` is the person, `assistant` the reply; others are passed over
    text: str


class Span(msgspec.Struct, frozen=True):
    """Half-open range of code points."""

    type: str
    start: int
    end: int


class Case(msgspec.Struct, frozen=True):
    """`turns` end with the person's words; `level` and `spans` are what a person found in them."""

    turns: tuple[Turn, ...]
    category: str = ORDINARY
    level: Level = "none"
    spans: tuple[Span, ...] = ()
    split: str = ""


class _Line(msgspec.Struct, frozen=True):
    text: str | None = None
    turns: tuple[Turn, ...] = ()
    category: str = ORDINARY
    level: Level = "none"
    spans: tuple[Span, ...] = ()
    split: str = ""


def spoken(line: bytes) -> tuple[Turn, ...]:
    """The turns of `{"text"}` or `{"turns"}`; raises CasesError, with neither the text nor part of it."""
    return _case(line).turns


def read(path: Path) -> list[Case]:
    """Every case of the file, in order; raises CasesError and OSError."""
    content = path.read_bytes()
    if content.lstrip()[:1] == b"[":
        return list(_from_list(_loaded(content)))
    cases: list[Case] = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                cases.append(_case(line))
            except CasesError as error:
                raise CasesError(f"line {number}: {error}") from None
    return cases


def _case(line: bytes) -> Case:
    try:
        found = msgspec.json.decode(line, type=_Line)
    except msgspec.ValidationError as error:
        raise CasesError(str(error)) from None  # names the field and the rule
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CasesError("must be one JSON object") from None
    if (found.text is None) == (not found.turns):
        raise CasesError("must have either `text` or `turns`")
    turns = found.turns or (Turn("user", found.text or ""),)
    return Case(turns, found.category, found.level, found.spans, found.split)


def _loaded(content: bytes) -> list[Any]:
    try:
        loaded = json.loads(content)
    except ValueError:
        raise CasesError("must be JSON lines or one JSON list") from None
    return loaded if isinstance(loaded, list) else []


def _from_list(items: list[Any]) -> Iterator[Case]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict) and isinstance(item.get("full_text"), str):
            yield _from_presidio(item)
        elif isinstance(item, dict) and isinstance(item.get("conversation"), dict):
            yield from _from_locomo(item["conversation"])
        else:
            raise CasesError(
                f"item {number}: must have `full_text` (presidio-research) or `conversation` (LoCoMo)"
            )


def _from_presidio(item: Mapping[str, Any]) -> Case:
    spans = tuple(
        Span(
            _OURS.get(span["entity_type"], span["entity_type"]), span["start_position"], span["end_position"]
        )
        for span in item.get("spans", ())
    )
    return Case((Turn("user", item["full_text"]),), spans=spans)


def _from_locomo(conversation: Mapping[str, Any]) -> Iterator[Case]:
    for name, turns in conversation.items():
        if name.startswith("session_") and isinstance(turns, list):
            for turn in turns:
                yield Case((Turn("user", turn["text"]),))
