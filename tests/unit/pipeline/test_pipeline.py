"""The pipeline survives any text and any broken stage, each in its safe direction."""
# ruff: noqa: RUF001 - lookalike letters are the subject

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.crisis.state import NOTHING_HEARD, ConversationState
from nura_rt.pipeline.mood.score import MoodScorer
from nura_rt.pipeline.mood.words import MoodWords
from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.pii.names import NameFinder
from nura_rt.pipeline.pipeline import Before, Pipeline
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import CrisisResult, PiiSpan, rank


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


class BrokenDetector(CrisisDetector):
    def detect(self, text: str, state: ConversationState = NOTHING_HEARD) -> CrisisResult:
        raise RuntimeError

    def asks(self, reply: str) -> frozenset[str]:
        raise RuntimeError


class BrokenFilter(PiiFilter):
    def find(self, text: str, known: KnownNames | None = None) -> tuple[PiiSpan, ...]:
        raise RuntimeError


class BrokenScorer(MoodScorer):
    def score(self, text: str) -> float:
        raise RuntimeError


anything = st.text(st.characters(exclude_categories=[]), max_size=300)
tricky = st.text(
    st.sampled_from("aiek1!@$* .,'\"\n\0\u200b\ud800\u0130ſ💊0123456789+()-/:<>_ßñ"), max_size=300
)


def restored(text: str) -> str:
    """Without the marks that keep typed placeholders from being taken for ours."""
    return text.replace("\u2039", "<").replace("\u203a", ">")


@given(text=anything | tricky)
@settings(deadline=None)
def test_any_text_is_screened_and_spans_lie_within_it(pipeline: Pipeline, text: str) -> None:
    screened = pipeline.screen(text)

    ends = [0, *(span.end for span in screened.pii)]
    assert all(end <= span.start < span.end for end, span in zip(ends, screened.pii, strict=False))
    assert ends[-1] <= len(text)
    assert -1.0 <= screened.sentiment <= 1.0
    assert screened.text == text
    assert screened.pii or restored(screened.processed) == restored(text)
    assert all(found.name != "screening_failed" for found in screened.crisis.indicators)


@pytest.mark.parametrize(
    "text",
    [
        "\0I want to kill\0 myself",
        "\ud800 I want to kill myself \udfff",
        "I want to kill myself " + "la " * 9000,
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
    assert broken.asks("do you want to die?") == frozenset()
    assert failed[3:] == ["crisis"]


CHEER = [
    "happy",
    "great",
    "love",
    "wonderful",
    "smile",
    "yay",
    "😀",
    "🎉",
    ":)",
    "thanks",
    "awesome",
    "best",
    "lovely",
    "haha",
    "fun",
]
cheerful = st.lists(st.sampled_from(CHEER), min_size=1, max_size=12).map(" ".join)


@given(cheer=cheerful)
@settings(deadline=None)
@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself.",
        "I don't want to live anymore.",
        "I took all my pills an hour ago.",
        "he hit me again last night.",
        "quiero morirme.",
    ],
)
def test_cheerful_words_never_lower_a_level(pipeline: Pipeline, text: str, cheer: str) -> None:
    alone = rank(pipeline.screen(text).crisis.level)

    assert alone >= rank("moderate")
    assert rank(pipeline.screen(f"{text} {cheer}").crisis.level) >= alone
    assert rank(pipeline.screen(f"{cheer}. {text}").crisis.level) >= alone


def test_what_is_personal_keeps_its_number_through_a_conversation(pipeline: Pipeline) -> None:
    placeholders = Placeholders()
    first = pipeline.screen("my sister Ana called", Before(placeholders=placeholders))
    assert first.placeholders is not None

    second = pipeline.screen("my friend Ben knows my sister Ana", Before(placeholders=first.placeholders))

    assert first.processed == "my sister <PERSON_1> called"
    assert second.processed == "my friend <PERSON_2> knows my sister <PERSON_1>"
    assert len(placeholders) == 0


def test_without_a_map_what_is_personal_has_no_number(pipeline: Pipeline) -> None:
    screened = pipeline.screen("my sister Ana, 415 555 0132", Before())

    assert screened.processed == "my sister <PERSON>, <PHONE>"
    assert screened.placeholders is None


def test_a_typed_placeholder_gets_nobodys_name(pipeline: Pipeline) -> None:
    placeholders = Placeholders()
    placeholders.assign("PERSON", "Ana")

    screened = pipeline.screen("who is <PERSON_1>?", Before(placeholders=placeholders))

    assert placeholders.restore(screened.processed).count("Ana") == 0


def test_names_that_are_known_are_found_without_an_introduction(pipeline: Pipeline) -> None:
    screened = pipeline.screen("told zelda about it", Before(names=KnownNames.of(["Zelda Quist"])))

    assert screened.processed == "told <PERSON> about it"
