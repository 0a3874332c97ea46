"""The reports count what was found; the pipeline's part is played."""

from typing import Any

import pytest

from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import CrisisResult, Level, PiiSpan, Screened
from nura_rt.quality import crisis_report, pii_report
from nura_rt.quality.cases import Case, Span, Turn
from nura_rt.quality.shares import Share


class Sayso:
    """A pipeline that finds the level the text names, and the spans it was given."""

    def __init__(self, *spans: PiiSpan) -> None:
        self._spans = spans

    def screen(self, text: str, state: Any = None) -> Screened:
        level: Any = text or "none"
        return Screened(text, text, self._spans if text else (), CrisisResult(level, (), "v"), 0.0)

    def asks(self, reply: str) -> frozenset[str]:
        return frozenset()


def pipeline(*spans: PiiSpan) -> Pipeline:
    played: Any = Sayso(*spans)
    found: Pipeline = played
    return found


def case(found: Level, want: Level, category: str = "a", *spans: Span) -> Case:
    return Case((Turn("user", found),), category, want, spans)


CASES = [
    case("critical", "high"),
    case("moderate", "high"),
    case("none", "moderate", "b"),
    case("low", "low", "b"),
    case("moderate", "none", "b"),
]


def test_recall_and_false_alarms_are_counted_per_category() -> None:
    report = crisis_report.measure(pipeline(), CASES)

    assert report.recall("moderate") == Share(2, 3)
    assert report.recall("high") == Share(1, 2)
    assert report.recall("moderate", ["b"]) == Share(0, 1)
    assert report.flagged() == Share(1, 2)
    assert report.flagged(["a"]) == Share(0, 0)


def test_the_confusion_matrix_has_every_case_once() -> None:
    report = crisis_report.measure(pipeline(), CASES)

    assert sum(map(sum, report.confusion())) == len(CASES)
    assert report.confusion()[3] == [0, 0, 1, 0, 1]
    assert "none" in crisis_report.as_text(report).splitlines()[-6]


def test_a_value_counts_as_found_when_a_redaction_of_its_type_touches_it() -> None:
    redacted = pipeline(PiiSpan("PHONE", 0, 3), PiiSpan("EMAIL", 4, 5), PiiSpan("PERSON", 7, 8))
    labels = (Span("PHONE", 2, 4), Span("SSN", 0, 2), Span("EMAIL", 6, 7), Span("URL", 4, 6))

    report = pii_report.measure(redacted, [case("moderate", "none", "a", *labels)])

    assert {kind: report.recall(kind) for kind in ("PHONE", "SSN", "EMAIL", "URL")} == {
        "PHONE": Share(1, 1),
        "SSN": Share(1, 1),  # a number taken for another kind of number is redacted all the same
        "EMAIL": Share(0, 1),
        "URL": Share(0, 1),
    }
    assert report.false == {"PERSON": 1}
    assert report.false_per_1000 == 1000


@pytest.mark.parametrize("texts", [0, 4])
def test_false_redactions_are_per_thousand_texts(texts: int) -> None:
    report = pii_report.measure(pipeline(), [case("none", "none")] * texts)

    assert report.false_per_1000 == 0.0
    assert f"of {texts} texts" in pii_report.as_text(report)
