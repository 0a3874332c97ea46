"""The rule files load, and every rule has an example in the labelled set."""

import json
from pathlib import Path

import pytest

from nura_rt.pipeline.crisis import rules
from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.crisis.rules import Rule

DATA = Path(__file__).parents[3] / "data" / "crisis"
ALL_RULES = [rule for language in rules.LANGUAGES for rule in rules.load(language).rules]
TEXTS = [
    json.loads(line)["text"] for path in sorted(DATA.glob("*.jsonl")) for line in path.open(encoding="utf-8")
]
DETECTOR = CrisisDetector.load()
VIEWS = [DETECTOR.plain_view(text) for text in TEXTS]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_every_rule_has_an_example(rule: Rule) -> None:
    examples = [view for view in VIEWS if any(pattern.regex.search(view) for pattern in rule.patterns)]

    assert examples


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_the_prefilter_never_hides_a_match(rule: Rule) -> None:
    missed = [
        (pattern.source, view)
        for pattern in rule.patterns
        for view in VIEWS
        if pattern.regex.search(view) and not any(cue in view for cue in pattern.cues)
    ]

    assert not missed


def test_rule_ids_are_unique_and_carry_their_language() -> None:
    ids = [rule.id for rule in ALL_RULES]

    assert len(ids) == len(set(ids))
    assert all(rule.id.startswith(f"{rule.language}.") for rule in ALL_RULES)


def test_combinations_name_indicators_that_exist() -> None:
    known = {rule.name for rule in ALL_RULES}
    used = {name for mix in rules.load("en").combinations for name in mix.all | mix.any}

    assert used <= known
