"""The pipeline survives any text and any broken stage, each in its safe direction."""
# ruff: noqa: RUF001 - lookalike letters are the subject

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.mood import MoodScorer, MoodWords
from nura_rt.pipeline.names import NameFinder
from nura_rt.pipeline.pii import PiiFilter
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import CrisisResult, Level, PiiSpan


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


class BrokenDetector(CrisisDetector):
    def detect(self, text: str, recent: Level = "none") -> CrisisResult:
        raise RuntimeError


class BrokenFilter(PiiFilter):
    def find(self, text: str) -> tuple[PiiSpan, ...]:
        raise RuntimeError


class BrokenScorer(MoodScorer):
    def score(self, text: str) -> float:
        raise RuntimeError


anything = st.text(st.characters(exclude_categories=[]), max_size=300)
tricky = st.text(
    st.sampled_from("aiek1!@$* .,'\"\n\0\u200b\ud800\u0130ſ💊0123456789+()-/:<>_ßñ"), max_size=300
)


@given(text=anything | tricky)
@settings(deadline=None)
def test_any_text_is_screened_and_spans_lie_within_it(pipeline: Pipeline, text: str) -> None:
    screened = pipeline.screen(text)

    ends = [0, *(span.end for span in screened.pii)]
    assert all(end <= span.start < span.end for end, span in zip(ends, screened.pii, strict=False))
    assert ends[-1] <= len(text)
    assert -1.0 <= screened.sentiment <= 1.0
    assert screened.text == text
    assert (screened.processed == text) == (not screened.pii)
    assert all(found.name != "screening_failed" for found in screened.crisis.indicators)


@pytest.mark.parametrize(
    "text",
    [
        "\0I want to kill\0 myself",
        "\ud800 I want to kill myself \udfff",
        "I want to kill myself " + "a " * 9000,
    ],
)
def test_hostile_characters_do_not_hide_danger(pipeline: Pipeline, text: str) -> None:
    screened = pipeline.screen(text)

    assert screened.crisis.requires_intervention


def test_crisis_is_found_in_the_raw_text_behind_a_personal_detail(pipeline: Pipeline) -> None:
    screened = pipeline.screen("my name is Anna and I took 40 tablets, call +1 415 555 0132")

    assert screened.crisis.level == "critical"
    assert screened.processed == "my name is <PERSON_1> and I took 40 tablets, call <PHONE_1>"


def test_each_broken_stage_fails_safe_and_is_counted_by_name() -> None:
    failed: list[str] = []
    names = NameFinder.load()
    broken = Pipeline(BrokenDetector([]), BrokenFilter(names), BrokenScorer(MoodWords.load()), failed.append)

    screened = broken.screen("my phone is +1 415 555 0132")

    assert failed == ["crisis", "pii", "mood"]
    assert screened.crisis.level == "moderate"
    assert [found.name for found in screened.crisis.indicators] == ["screening_failed"]
    assert screened.processed == "<REDACTED>"
    assert screened.pii == ()
    assert screened.sentiment == 0.0
