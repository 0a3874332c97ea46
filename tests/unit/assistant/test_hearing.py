"""What one message is understood to say."""

import time

import pytest

from nura_rt.assistant.hearing import Heard, hear
from nura_rt.assistant.language import guess, unreadable
from nura_rt.assistant.lexicon import lexicon


def heard(text: str) -> Heard:
    return hear(text, lexicon(guess([text])))


@pytest.mark.parametrize(
    ("text", "phrase", "group", "frame"),
    [
        ("I feel so empty since mum left", "so empty since mum left", "empty", "now"),
        ("I've been feeling anxious lately", "anxious lately", "worry", "perfect"),
        ("I felt guilty and sad", "guilty and sad", "shame", "past"),
        ("im kinda lonely", "kinda lonely", "lonely", "now"),
        ("so tired", "so tired", "tired", "now"),
        ("I'm not okay", "not okay", "low", "not"),
        ("Me siento un poco mejor", "un poco mejor", "good", "now"),
        ("no estoy bien", "nada bien", "low", "not"),
    ],
)
def test_a_feeling_is_heard_in_the_persons_words(text: str, phrase: str, group: str, frame: str) -> None:
    feeling = heard(text).feeling

    assert feeling is not None
    assert (feeling.phrase, feeling.group, feeling.frame) == (phrase, group, frame)


@pytest.mark.parametrize(
    "text",
    [
        "I'm not sad",
        "no duermo bien",
        "all is fine",
        "she was sad about the film we saw",
        "the room is empty and cold now",
        "ok",
    ],
)
def test_no_feeling_is_invented(text: str) -> None:
    assert heard(text).feeling is None


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("yes", "yes"),
        ("No, not really.", "no"),
        ("i don't know", "unsure"),
        ("sí, claro", "yes"),
        ("no sé", "unsure"),
        ("no lo vi en casa", ""),
    ],
)
def test_short_answers_are_told_apart(text: str, short: str) -> None:
    assert heard(text).short == short


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("is anyone there", "greeting"),
        ("thx a lot", "thanks"),
        ("gotta go", "goodbye"),
        ("am I talking to a robot?", "identity"),
        ("do you remember what I said", "remember"),
        ("will you tell anyone", "privacy"),
        ("I got the job", "good_news"),
        ("¿eres un bot?", "identity"),
        ("tengo un ataque de pánico", "panic"),
        ("mi marido me pega", "violence"),
        ("<PERSON_2> hit me", "violence"),
    ],
)
def test_an_intent_is_heard(text: str, intent: str) -> None:
    assert intent in heard(text).intents


def test_people_are_named_as_theirs_once() -> None:
    assert heard("My sister and my best friend hate my sister's dog, says mum").people == (
        "your sister",
        "your best friend",
        "your mum",
    )


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (["hola"], "es"),
        (["hello"], "en"),
        (["ok", "estoy triste"], "es"),
        (["ok", "I am sad"], "en"),
        (["???"], "en"),
        ([], "en"),
    ],
)
def test_the_language_is_guessed_from_the_newest_evidence(texts: list[str], language: str) -> None:
    assert guess(texts) == language


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("мне плохо", True),
        ("Ich bin sehr müde und traurig", True),
        ("I am sad", False),
        ("estoy muy triste", False),
        ("café", False),
    ],
)
def test_other_languages_are_noticed(text: str, foreign: bool) -> None:
    assert unreadable(text) is foreign


@pytest.mark.parametrize(
    "piece", ["so ", "i feel so ", "my ", "a", "i'm ", "well ", "yes ", "<A", "?", "\u0301", "and "]
)
def test_ten_thousand_characters_are_heard_quickly(piece: str) -> None:
    lexicon("en")
    started = time.process_time()
    hear((piece * 10_000)[:10_000], lexicon("en"))

    assert time.process_time() - started < 2  # a rule that backtracks takes minutes
