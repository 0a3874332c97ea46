"""From "I" to "you": right, or not at all."""

import pytest

from nura_rt.assistant.lexicon import Language, lexicon
from nura_rt.assistant.mirror import is_harsh, mirrored


@pytest.mark.parametrize(
    ("language", "said", "turned"),
    [
        ("en", "I lost my job", "you lost your job"),
        ("en", "she said I was lazy", "she said you were lazy"),
        ("en", "I dont know what I'm doing with myself", "you don't know what you're doing with yourself"),
        ("en", "we were happy until I moved", "you were happy until you moved"),
        ("en", "SINCE MY MUM LEFT", "since your mum left"),
        ("en", "since he left me, and everything", "since he left you"),
        ("en", "since you said so", None),
        ("en", "because of <PERSON_1>", None),
        ("en", "because of 12 things", None),
        ("en", "at my boss and the", None),
        ("en", "about www.example.org", None),
        ("en", "about my fuuuck up", None),
        ("en", "f u c k", None),
        ("en", "about b@d things", None),
        ("en", "", None),
        ("es", "desde que mi mamá se fue", "desde que tu mamá se fue"),
        ("es", "porque me gritó mi jefe", "porque te gritó tu jefe"),
        ("es", "perdí mi trabajo", "perdiste tu trabajo"),
        ("es", "cuando bailo en casa", None),
        ("es", "porque tú lo dices", None),
    ],
)
def test_a_phrase_is_turned_or_refused(language: Language, said: str, turned: str | None) -> None:
    assert mirrored(said, lexicon(language), at_most=12) == turned


def test_a_long_phrase_is_cut_at_the_second_thought() -> None:
    said = "since my mum moved away and my dad stopped talking to all of the family"

    assert mirrored(said, lexicon("en"), at_most=12) == "since your mum moved away"


def test_a_long_phrase_without_a_seam_is_refused() -> None:
    assert mirrored("since " + "very " * 20 + "long", lexicon("en"), at_most=12) is None


@pytest.mark.parametrize(
    ("word", "harsh"),
    [
        ("kill", True),
        ("killing", True),
        ("kiiiill", True),
        ("father", False),
        ("nights", False),
        ("died", False),
        ("slut", True),
    ],
)
def test_harsh_words_are_known_by_their_start(word: str, harsh: bool) -> None:
    assert is_harsh(word) is harsh
