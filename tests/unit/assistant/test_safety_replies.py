"""Replies when a life may be at risk, turn by turn."""

import re

import pytest

from nura_rt.assistant.companion import compose
from nura_rt.assistant.port import Prompt, Said

NUMBER = re.compile(r"988|local emergency number|número de emergencias|911")
TRUSTED = re.compile(
    r"someone|person|people|neighbour|with you|who |alguien|persona|gente|quién|puerta de al lado", re.I
)
METHODS = re.compile(r"pill|rope|gun|bridge|blade|jump|overdose|pastill|soga|puente", re.I)
FORBIDDEN = re.compile(r"promise me|i promise|contract|diagnos|you have depression|disorder|calm down", re.I)
DESPERATE = (
    "I want to kill myself tonight",
    "I have the pills in front of me",
    "I'm going to jump off the bridge",
    "I can't do this anymore",
    "quiero matarme con pastillas",
    "<PERSON_1> has a gun and I want to die",
)


def talk(*turns: tuple[str, str]) -> list[str]:
    history: tuple[Said, ...] = ()
    for text, level in turns:
        said = (*history, Said("user", text))
        history = (*said, Said("assistant", compose(Prompt(said, level))))
    return [said.text for said in history if said.role == "assistant"]


@pytest.mark.parametrize("level", ["high", "critical"])
@pytest.mark.parametrize("text", DESPERATE)
def test_a_serious_reply_names_help_and_people_and_asks_once(text: str, level: str) -> None:
    [reply] = talk((text, level))

    assert NUMBER.search(reply)
    assert TRUSTED.search(reply)
    assert reply.count("?") == 1


@pytest.mark.parametrize("level", ["moderate", "high", "critical"])
@pytest.mark.parametrize("text", DESPERATE)
def test_no_method_promise_or_diagnosis_in_ten_turns(text: str, level: str) -> None:
    replies = talk(*[(text, level)] * 10)

    assert not [reply for reply in replies if METHODS.search(reply) or FORBIDDEN.search(reply)]


@pytest.mark.parametrize("level", ["high", "critical"])
def test_every_serious_reply_of_a_long_talk_names_a_number(level: str) -> None:
    replies = talk(*[("please", level)] * 20)

    assert all(NUMBER.search(reply) for reply in replies)


@pytest.mark.parametrize("level", ["moderate", "high", "critical"])
def test_serious_words_change_from_turn_to_turn(level: str) -> None:
    replies = talk(*[("it is all too much", level)] * 6)
    said = [s for reply in replies for s in re.split(r"(?<=[.?])\s+", reply)]

    assert len(said) == len(set(said))


@pytest.mark.parametrize("text", ["Sometimes I wish I wouldn't wake up", "A veces no quiero despertar"])
def test_moderate_is_asked_directly_and_softly(text: str) -> None:
    [reply] = talk((text, "moderate"))

    assert re.search(r"thoughts of ending your life\?|pensamientos de acabar con tu vida\?", reply)


def test_plain_words_of_dying_are_heard_even_when_the_level_is_none() -> None:
    [reply] = talk(("I don't want to be alive", "none"))

    assert "ending your life" in reply


@pytest.mark.parametrize(
    ("asked_at", "answer", "serious"),
    [
        ("moderate", "yes", True),
        ("moderate", "no", False),
        ("high", "no", True),
        ("high", "not really", True),
        ("high", "I don't know", True),
        ("high", "yes", False),
    ],
)
def test_yes_and_no_answer_the_safety_question_that_was_asked(
    asked_at: str, answer: str, serious: bool
) -> None:
    _, reply = talk(("I can't go on", asked_at), (answer, "none"))

    assert (
        "Please call your local emergency number now" in reply or "Please call or text 988" in reply
    ) is serious


def test_something_already_taken_comes_before_everything() -> None:
    [reply] = talk(("I took all of them", "critical"))

    assert "If you have taken something or are hurt, call 911" in reply


def test_a_feeling_word_is_met_and_safety_goes_on_after_a_serious_turn() -> None:
    _, reply = talk(("I want to die", "high"), ("I feel a bit calmer now", "none"))

    assert "alm" in reply
    assert reply.count("?") == 1


def test_an_unknown_level_is_taken_for_moderate() -> None:
    assert talk(("hm", "purple")) == talk(("hm", "moderate"))
