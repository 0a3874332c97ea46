"""Every rule is shown by its own examples: what it says, and the benign twin that it must not take for it."""

import pytest

from nura_rt.pipeline.crisis import rules
from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.crisis.patterns import PatternError
from nura_rt.pipeline.crisis.rules import Combination, Rule
from nura_rt.pipeline.turn import rank

BOOKS = [rules.load(language) for language in rules.LANGUAGES]
RULES = [rule for book in BOOKS for rule in book.rules]
COMBINATIONS = [mix for book in BOOKS for mix in book.combinations]
ALL: list[Rule | Combination] = [*RULES, *COMBINATIONS]


@pytest.fixture(scope="module")
def detector() -> CrisisDetector:
    return CrisisDetector(BOOKS)


def test_each_rule_has_a_name_of_its_own_with_its_language() -> None:
    ids = [rule.id for rule in ALL]

    assert len(ids) == len(set(ids))
    assert all(rule.id.startswith(f"{rule.language}.") for rule in RULES)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_a_rule_has_examples_and_benign_twins(rule: Rule | Combination) -> None:
    assert rule.says
    assert rule.unlike


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if not rule.mask and rule.level != "none"], ids=lambda rule: rule.id
)
def test_what_a_rule_says_reaches_its_level(detector: CrisisDetector, rule: Rule) -> None:
    low = [text for text in rule.says if rank(detector.detect(text).level) < rank(rule.level)]

    assert not low


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if not getattr(rule, "mask", False)], ids=lambda rule: rule.id
)
def test_the_benign_twin_of_a_rule_is_not_flagged(detector: CrisisDetector, rule: Rule | Combination) -> None:
    flagged = [text for text in rule.unlike if rank(detector.detect(text).level) >= rank("moderate")]

    assert not flagged


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.mask], ids=lambda rule: rule.id)
def test_an_idiom_is_not_flagged_and_does_not_hide_the_real_thing(
    detector: CrisisDetector, rule: Rule
) -> None:
    flagged = [text for text in rule.says if rank(detector.detect(text).level) >= rank("moderate")]
    hidden = [text for text in rule.unlike if rank(detector.detect(text).level) < rank("low")]

    assert not flagged
    assert not hidden


def test_the_version_names_the_files_and_their_content(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rules.load("hi").version
    monkeypatch.setattr(rules, "_digest", lambda language: "other")

    assert before.startswith("hi-")
    assert rules.load("hi").version != before


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"id": "x.a", "why": "w", "says": ["a"], "unlike": ["b"]}, "neither patterns nor concepts"),
        (
            {"id": "x.a", "why": "w", "says": ["a"], "unlike": ["b"], "together": ["nothing"]},
            "unknown concepts",
        ),
    ],
)
def test_a_rule_that_can_never_fire_is_refused(
    monkeypatch: pytest.MonkeyPatch, row: dict[str, object], says: str
) -> None:
    read = rules._read

    def with_row(language: str, name: str) -> dict[str, object]:
        table = read(language, name)
        return table if name == "words.toml" else {**table, "rule": [*table.get("rule", []), row]}

    monkeypatch.setattr(rules, "_read", with_row)

    with pytest.raises(PatternError, match=says):
        rules.load("hi")
