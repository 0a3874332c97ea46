"""The filter against the written cases: recall by type and redactions of what is nobody's data.

Rules were made on the half "dev"; the gates stand on the half "test". The aims are higher than two gates: see there.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nura_rt.pipeline.pii.filter import PiiFilter

CASES = Path(__file__).parents[2] / "data" / "pii" / "chat.jsonl"
RECALL = 0.95
RECALL_OF_INTRODUCED_NAMES = 0.9
RECALL_OF_ALL_NAMES = 0.7  # the rest stands without any introduction: "raj went out without me"
TRAPS = (
    0.08  # aim 0.02: 3 of 40, a restaurant called after a name, a poet, an insult unknown to the word list
)
# What introduces a name, told without the filter's own lists.
INTRODUCED = re.compile(
    r"(?:\b(?:my|his|her|our|their|mi|su|mein\w*|mon|ma|meu|minha|mia|mijn)\b(?: [\w'-]+){1,3},?"
    r"|\b(?:dr|mr|mrs|ms|prof|doctora?|nurse|señora?|sra|herr|frau|aunt|uncle|tía|tío|don|doña|miss|coach|officer)\.?"
    r"|name\S*|\bis|called|named|llam\w+|dicen|nombre es|\bim|i'm|i am|this is|soy|call me|hei(?:ß|ss)e|m'appelle"
    r"|\bhi|hey|hello|dear|love|regards|thanks),? $",
    re.I,
)


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


def cases(split: str) -> list[dict[str, Any]]:
    rows = [msgspec.json.decode(line) for line in CASES.read_text("utf-8").splitlines()]
    return [row for row in rows if row["split"] == split]


def kinds(row: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Its spans, each with its type; a name without introduction is a type of its own."""
    found = []
    for span in row["spans"]:
        before = row["text"][max(0, span["start"] - 45) : span["start"]]
        plain = span["type"] == "PERSON" and not INTRODUCED.search(before)
        found.append(("bare name" if plain else span["type"], span))
    return found


def recall(pii: PiiFilter, split: str) -> dict[str, float]:
    total: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for row in cases(split):
        spans = pii.find(row["text"])
        for kind, wanted in kinds(row):
            total[kind] += 1
            hits[kind] += any(
                span.type == wanted["type"] and span.start < wanted["end"] and wanted["start"] < span.end
                for span in spans
            )
    return {kind: hits[kind] / total[kind] for kind in total}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_values_of_every_type_are_found(pii: PiiFilter, split: str) -> None:
    found = recall(pii, split)

    gates = {kind: RECALL for kind in found} | {"PERSON": RECALL_OF_INTRODUCED_NAMES, "bare name": 0.0}
    assert len(found) == 14
    assert {kind: share for kind, share in found.items() if share < gates[kind]} == {}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_most_names_are_found_even_without_introduction(pii: PiiFilter, split: str) -> None:
    names = [(row, span) for row in cases(split) for span in row["spans"] if span["type"] == "PERSON"]

    found = [
        any(
            one.type == "PERSON" and one.start < span["end"] and span["start"] < one.end
            for one in pii.find(row["text"])
        )
        for row, span in names
    ]

    assert sum(found) / len(found) >= RECALL_OF_ALL_NAMES


@pytest.mark.parametrize("split", ["dev", "test"])
def test_what_is_nobodys_data_stays(pii: PiiFilter, split: str) -> None:
    traps = [row["text"] for row in cases(split) if not row["spans"]]

    redacted = [text for text in traps if pii.find(text)]

    assert len(redacted) / len(traps) <= TRAPS, redacted


@pytest.mark.parametrize("split", ["dev", "test"])
def test_nothing_beside_a_value_is_redacted(pii: PiiFilter, split: str) -> None:
    extra = [
        (row["id"], row["text"][span.start : span.end])
        for row in cases(split)
        if row["spans"]
        for span in pii.find(row["text"])
        if not any(span.start < wanted["end"] and wanted["start"] < span.end for wanted in row["spans"])
    ]

    assert extra == []


def test_cases_are_labelled_inside_their_text() -> None:
    rows = [*cases("dev"), *cases("test")]

    assert len({row["id"] for row in rows}) == len(rows) == 320
    for row in rows:
        assert all(0 <= span["start"] < span["end"] <= len(row["text"]) for span in row["spans"]), row["id"]
