"""Folding keeps every sign in a known place; nothing invisible hides a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.pii.fold import FILLER, Folder, plain_word

FOLDER = Folder()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain ASCII\n", "plain ASCII\n"),
        ("Lucía nº ²", "Lucia no 2"),
        ("e\u0301 I\u2019m \u201422\u00a0000", "e I'm -22 000"),
        ("\uff11\uff12 ٣٤ \U0001d7cf", "12 34 1"),
        ("a\u200bb\u00ad\x00c\ufe0f", "abc"),
        ("İi", "Ii"),
        ("<PERSON_1> <PERSON_x>", FILLER * 10 + " <PERSON_x>"),
        ("\u2039CARD_12\u203a", FILLER * 9),
    ],
)
def test_a_text_is_read_in_plain_signs(text: str, plain: str) -> None:
    assert FOLDER.fold(text).text == plain


@given(st.text(st.characters(exclude_categories=[])))
def test_every_sign_has_its_place_in_any_text(text: str) -> None:
    folded = FOLDER.fold(text)

    places = range(len(text)) if folded.places is None else folded.places
    assert len(folded.text) == len(folded.text.lower()) == len(folded.accented) == len(places)
    assert all(text[place] == sign for place, sign in zip(places, folded.accented, strict=True))
    assert folded.text.count(FILLER) == 0 or "<" in text or "\u2039" in text


def test_a_word_is_compared_without_case_and_accents() -> None:
    assert plain_word("ÉLODIE\u200b") == plain_word("E\u0301lodie") == "elodie"
