"""How a text is read: its words as VADER splits them, signs as words, and what is shouted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.mood.text import read, shouted

SIGNS = {"é": "e", "ñ": "n", "😀": " grinning face ", "’": "'", "¡": " "}  # noqa: RUF001 - what people type


@pytest.mark.parametrize(
    ("text", "spaced"),
    [
        ("I like it, really.", " i like it really "),
        ("  two\n\nlines\t ", " two lines "),
        ("don't (stop)!", " dont stop "),
        ("We’ll see, she'll see", " we_ll see she_ll see "),  # noqa: RUF001 - what people type
        ("well...good", " wellgood "),
        ("¡él comé ñoquis!", " el come noquis "),
        ("ok 😀😀 fine", " ok grinning face grinning face fine "),
        ("so :) nice", " so :) nice "),
        ("NO, I love it", " no, i love it "),
        ("漢字 good", " \x7f\x7f good "),
        ("", "  "),
        ("\ud800", " \x7f "),
    ],
)
def test_words_stand_between_single_spaces(text: str, spaced: str) -> None:
    signs = SIGNS | {"É": "E"}

    assert read(text, signs)[1].split() == spaced.split()


def test_word_by_word_a_short_word_keeps_its_comma() -> None:
    assert " no, " in read("so no, not me", {}, word_by_word=True)[1]
    assert " no " in read("so no, not me", {})[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [("it was GREAT fun", ["great"]), ("I AM HERE", []), ("i am here", []), ("I am HERE", ["i", "here"])],
)
def test_a_word_in_capitals_is_shouted_unless_all_are(text: str, words: list[str]) -> None:
    shown, spaced, loud = read(text, {})

    places = shouted(shown, spaced) if loud else frozenset()

    assert sorted(spaced[place + 1 :].split()[0] for place in places) == sorted(words)


@given(st.text())
def test_any_text_becomes_ascii_words_with_one_space_around_each(text: str) -> None:
    _, spaced, _ = read(text, SIGNS)

    assert spaced.isascii()
    assert spaced == f" {' '.join(spaced.split())} "
