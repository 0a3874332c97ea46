"""Grounding and breathing, step by step."""

import pytest

from nura_rt.assistant.companion import compose
from nura_rt.assistant.port import Prompt, Said


def talk(*lines: str) -> list[str]:
    history: tuple[Said, ...] = ()
    for text in lines:
        said = (*history, Said("user", text))
        history = (*said, Said("assistant", compose(Prompt(said, "none"))))
    return [said.text for said in history if said.role == "assistant"]


def test_grounding_walks_its_four_steps() -> None:
    replies = talk("can we do a grounding exercise", "lamp, door, cup, tree, book", "ok", "a bus", "better")

    assert ["five" in replies[0], "four" in replies[1], "three" in replies[2], "shoulders" in replies[3]] == [
        True
    ] * 4
    assert "shoulders" not in replies[4]


@pytest.mark.parametrize(
    "request_", ["help me calm down", "ground me please", "breathing exercise", "I'm panicking"]
)
def test_a_request_is_never_ignored_nor_answered_twice_alike(request_: str) -> None:
    replies = talk(request_, "I feel sad about my job", request_, "I feel sad about my job", request_)

    assert len({replies[0], replies[2], replies[4]}) == 3
    assert all("you can see" in r or "floor" in r or "Name five" in r or "reath" in r for r in replies[::2])


@pytest.mark.parametrize("refusal", ["stop", "I can't do this", "no", "this isn't working"])
def test_an_exercise_stops_when_the_person_says_so(refusal: str) -> None:
    replies = talk("grounding please", refusal)

    assert "four things" not in replies[1]


def test_a_heavy_feeling_takes_over_from_the_exercise() -> None:
    replies = talk("grounding please", "I feel so alone since my dad left")

    assert "alone since your dad left" in replies[1]


@pytest.mark.parametrize("yes", ["yes", "ok", "yes please", "sure"])
def test_an_offer_that_is_accepted_starts_at_once(yes: str) -> None:
    history = (
        Said("user", "I'm worried"),
        Said(
            "assistant",
            "Fear can feel like a fact while it is there. Would a short grounding exercise help right now?",
        ),
        Said("user", yes),
    )

    assert "five things you can see" in compose(Prompt(history, "none"))


def test_chest_pain_is_sent_to_a_doctor_first() -> None:
    [reply] = talk("I'm panicking and my chest hurts")

    assert reply.startswith("If ")
    assert "local emergency number" in reply or "looked at" in reply
