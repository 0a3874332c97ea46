"""The labelled set is what it claims to be, and the screening does not fall behind what it has reached on it."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import LEVELS, rank
from nura_rt.quality import cases, crisis_report
from nura_rt.quality.crisis_report import CrisisReport

DATA = Path(__file__).parents[3] / "data" / "crisis"
FILES = sorted(DATA.glob("*.jsonl"))
ITEMS = [json.loads(line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
PAIRED = [item for item in ITEMS if "pair" in item]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


@pytest.fixture(scope="module")
def reports(pipeline: Pipeline) -> dict[str, CrisisReport]:
    """By split."""
    found = [case for file in FILES for case in cases.read(file)]
    return {
        split: crisis_report.measure(pipeline, [case for case in found if case.split == split])
        for split in ("dev", "test")
    }


def test_there_are_enough_items_in_each_category() -> None:
    counted = Counter(item["category"] for item in PAIRED)

    assert len(PAIRED) >= 900
    assert {category for category, count in counted.items() if count < 28} == set()


def test_half_is_for_development_and_half_for_testing() -> None:
    shares = Counter(item["split"] for item in PAIRED)

    assert set(shares) == {"dev", "test"}
    assert 0.35 <= shares["test"] / len(PAIRED) <= 0.55


def test_no_item_and_no_text_comes_twice() -> None:
    texts = [json.dumps(item.get("turns") or item["text"]) for item in ITEMS]

    assert len({item["id"] for item in ITEMS}) == len(ITEMS)
    assert len(set(texts)) == len(texts)


def test_each_positive_has_a_benign_twin_in_the_same_half() -> None:
    pairs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in PAIRED:
        pairs[item["pair"]].append(item)

    alone = [
        pair
        for pair, items in pairs.items()
        if any(rank(item["level"]) >= rank("moderate") for item in items)
        and not pair.startswith("r")  # typical messages by themselves, for development
        and not (len(items) == 2 and len({item["split"] for item in items}) == 1)
    ]

    assert not alone


def test_labels_agree_with_one_another() -> None:
    odd = [
        item["id"]
        for item in ITEMS
        if item["level"] not in LEVELS
        or item["requires_intervention"] != (rank(item["level"]) >= rank("high"))
        or ("text" in item) == ("turns" in item)
    ]

    assert not odd
    assert sum("turns" in item for item in ITEMS) >= 60


def test_the_first_set_is_still_found(reports: dict[str, CrisisReport]) -> None:
    first = [name for name in reports["dev"].categories if name.startswith("earlier_")]

    assert reports["dev"].recall("high", first).value >= 0.98
    assert reports["dev"].flagged(first).value <= 0.02


@pytest.mark.parametrize(
    ("measure", "categories", "reached"),
    [
        ("recall-high", ["explicit"], 0.80),
        ("recall-moderate", [], 0.42),
    ],
)
def test_recall_on_the_test_half_does_not_fall_behind(
    reports: dict[str, CrisisReport], measure: str, categories: list[str], reached: float
) -> None:
    """What rules that never saw this half have reached so far; raised as they get better."""
    assert reports["test"].share(measure, categories).value >= reached


def test_false_alarms_on_the_test_half_do_not_grow(reports: dict[str, CrisisReport]) -> None:
    assert reports["test"].flagged().value <= 0.12
