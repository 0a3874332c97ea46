"""What the conversation adds to a finding, who acts, and what no text may do to the detector."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.crisis.state import NOTHING_HEARD, ConversationState, Heard
from nura_rt.pipeline.turn import LEVELS, Level, rank


@pytest.fixture(scope="module")
def detector() -> CrisisDetector:
    return CrisisDetector.load()


def said(*levels: Level, names: frozenset[str] = frozenset()) -> ConversationState:
    """A conversation whose turns had these levels."""
    return ConversationState(tuple(Heard(level, names) for level in levels))


@pytest.mark.parametrize(
    ("text", "before", "level"),
    [
        ("what is the highest bridge in town", said(), "low"),
        ("what is the highest bridge in town", said("moderate"), "high"),
        ("I'm fine now, never mind", said(), "none"),
        ("I'm fine now, never mind", said("moderate"), "none"),
        ("I'm fine now, never mind", said("high"), "moderate"),
        ("I feel so calm", said("critical"), "moderate"),
        ("what's for dinner", said("critical"), "none"),
        ("I wish I was dead", said(), "moderate"),
        ("I wish I was dead", said("moderate"), "high"),
        ("I wish I was dead", said("moderate", "none", "none", "none", "none", "none", "none"), "moderate"),
        ("yeah", said("low"), "none"),
        ("yeah", said("low").after_reply(frozenset({"active_ideation"})), "high"),
        ("yes, most nights", said("low").after_reply(frozenset({"passive_ideation"})), "moderate"),
        ("no, never", said("low").after_reply(frozenset({"active_ideation"})), "none"),
    ],
)
def test_the_recent_past_of_a_conversation_adds_meaning(
    detector: CrisisDetector, text: str, before: ConversationState, level: Level
) -> None:
    assert detector.detect(text, before).level == level


def test_cues_of_several_turns_add_up(detector: CrisisDetector) -> None:
    goodbye = detector.detect("goodbye everyone")
    means = "I have a bottle of pills here"

    together = detector.detect(means, NOTHING_HEARD.after(goodbye))

    assert rank(detector.detect(means).level) < rank("critical")
    assert together.level == "critical"


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        ("That sounds heavy. Are you having thoughts of ending your life?", {"active_ideation"}),
        ("¿Has pensado en suicidarte?", {"active_ideation"}),
        ("Do you want to hurt yourself?", {"self_harm_urge"}),
        ("I am sorry you want to die.", set()),
        ("How was your day?", set()),
    ],
)
def test_a_direct_question_of_a_reply_is_understood(
    detector: CrisisDetector, reply: str, asked: set[str]
) -> None:
    assert detector.asks(reply) >= asked
    assert bool(detector.asks(reply)) is bool(asked)


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


def test_a_result_names_the_files_of_every_language(detector: CrisisDetector) -> None:
    parts = detector.detect("hello").version.split("+")

    assert [part.split("-")[0] for part in parts] == ["en", "es", "pt", "fr", "de", "hi"]


@given(
    before=st.lists(st.sampled_from(LEVELS), max_size=30),
    text=st.sampled_from(["I want to kill myself", "I wish I was dead", "hello", "never mind", "yeah"]),
)
@settings(deadline=None)
def test_a_past_never_lowers_a_level(detector: CrisisDetector, before: list[Level], text: str) -> None:
    alone = detector.detect(text).level

    assert rank(detector.detect(text, said(*before[-24:])).level) >= rank(alone)


@pytest.mark.parametrize(
    "unit",
    ["want to ", "kill myself ", "not ", "i want to die . ", "pills ", "took 40 ", "a ", "k i l l ", "💊"],
)
def test_more_cues_than_can_be_looked_at_are_not_harmless(detector: CrisisDetector, unit: str) -> None:
    found = detector.detect(unit * (65_536 // len(unit)))

    assert all(item.level in LEVELS for item in found.indicators)
    assert unit in ("a ", "k i l l ", "not ", "want to ", "💊") or rank(found.level) >= rank("moderate")
