"""The labelled set: no explicit item below high, hardly a benign one at moderate; and the conversation's part."""

import json
from pathlib import Path
from typing import Any

import pytest

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.turn import Level, rank

DATA = Path(__file__).parents[3] / "data" / "crisis"


def items(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def detector() -> CrisisDetector:
    return CrisisDetector.load()


@pytest.mark.parametrize("item", items("positive.jsonl"), ids=lambda item: item["id"])
def test_a_positive_item_reaches_its_level(detector: CrisisDetector, item: dict[str, Any]) -> None:
    assert rank(detector.detect(item["text"]).level) >= rank(item["level"])


@pytest.mark.parametrize("name", ["positive.jsonl", "benign.jsonl"])
def test_the_labelled_level_is_met_exactly_nearly_always(detector: CrisisDetector, name: str) -> None:
    labelled = items(name)

    apart = [item["id"] for item in labelled if detector.detect(item["text"]).level != item["level"]]

    assert len(apart) <= 0.05 * len(labelled), apart


def test_explicit_items_all_require_intervention(detector: CrisisDetector) -> None:
    explicit = [
        item for item in items("positive.jsonl") if item["category"] in ("explicit", "disguised", "plan")
    ]

    missed = [item["id"] for item in explicit if not detector.detect(item["text"]).requires_intervention]

    assert len(explicit) >= 50
    assert not missed


def test_at_most_two_percent_of_benign_items_are_flagged(detector: CrisisDetector) -> None:
    benign = items("benign.jsonl")

    flagged = [item["id"] for item in benign if rank(detector.detect(item["text"]).level) >= rank("moderate")]

    assert len(benign) >= 100
    assert len(flagged) <= 0.02 * len(benign), flagged


@pytest.mark.parametrize(
    ("text", "recent", "level"),
    [
        ("what is the highest bridge in town", "none", "low"),
        ("what is the highest bridge in town", "moderate", "high"),
        ("I'm fine now, never mind", "none", "none"),
        ("I'm fine now, never mind", "moderate", "none"),
        ("I'm fine now, never mind", "high", "low"),
        ("I feel so calm", "critical", "low"),
        ("what's for dinner", "critical", "none"),
    ],
)
def test_the_recent_past_of_a_conversation_adds_meaning(
    detector: CrisisDetector, text: str, recent: Level, level: Level
) -> None:
    assert detector.detect(text, recent).level == level


@pytest.mark.parametrize(
    ("text", "name", "actor", "polarity"),
    [
        ("my friend wants to kill herself", "third_party_risk", "third_party", "asserted"),
        ("I don't want to die", "active_ideation", "self", "negated"),
        ("my husband hit me again", "violence_victim", "other", "asserted"),
        ("I want to kill my boss", "harm_to_others", "self", "asserted"),
    ],
)
def test_an_indicator_says_who_and_whether(
    detector: CrisisDetector, text: str, name: str, actor: str, polarity: str
) -> None:
    found = {(item.name, item.actor, item.polarity) for item in detector.detect(text).indicators}

    assert (name, actor, polarity) in found


def test_a_denial_does_not_cover_a_later_statement(detector: CrisisDetector) -> None:
    result = detector.detect("I don't want to die. Well, I do. I want to die.")

    assert result.level == "high"


def test_a_result_names_the_rule_files_it_used(detector: CrisisDetector) -> None:
    assert detector.detect("hello").version == "en-1+es-1"


@pytest.mark.parametrize(
    "unit", ["want to ", "kill myself ", "not ", "i want to die . ", "pills ", "took 40 "]
)
def test_long_repetitions_come_to_an_end(detector: CrisisDetector, unit: str) -> None:
    assert detector.detect(unit * 1000).level in ("none", "low", "moderate", "high", "critical")
