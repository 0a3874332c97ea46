"""A talk is screened as the server would: each turn in the light of those before, and of what was asked."""

from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import rank
from nura_rt.quality.cases import Turn
from nura_rt.quality.talks import screen

PIPELINE = Pipeline.load()


def talk(*texts: str) -> tuple[Turn, ...]:
    """The person and the assistant in turns, the person first."""
    return tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))


def test_a_yes_to_a_direct_question_says_as_much_as_the_question() -> None:
    asked = screen(PIPELINE, talk("bad day", "Are you thinking of ending your life?", "yeah"))
    other = screen(PIPELINE, talk("bad day", "Do you want to tell me about it?", "yeah"))

    assert (asked.level, other.level) == ("high", "none")


def test_what_was_said_lately_still_counts() -> None:
    found = screen(PIPELINE, talk("I want to kill myself", "I am here.", "what is for dinner"))

    assert found.requires_intervention
    assert found.processed == "what is for dinner"


def test_it_fades_slowly() -> None:
    chatter = ["ok", "I see."] * 30

    found = screen(PIPELINE, talk("I want to kill myself", "I am here.", *chatter, "ok"))

    assert found.level == "none"


def test_a_talk_without_the_persons_words_finds_nothing() -> None:
    found = screen(PIPELINE, (Turn("assistant", "I want to kill myself"), Turn("system", "I want to die")))

    assert rank(found.level) == 0
    assert found.processed == ""
