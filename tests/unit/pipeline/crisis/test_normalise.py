"""Disguised words are decoded into words of the rules; other text is left alone."""
# ruff: noqa: RUF001 - lookalike letters are the subject

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.normalise import Normaliser

NORMALISER = Normaliser(
    spellings={"wanna": "want to", "unalive": "kill"},
    emoji={"💊": "emojipill"},
    vocabulary=frozenset({"kill", "myself", "suicide", "die", "want", "to", "kms", "live", "i"}),
)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("I DON'T know", " i dont know "),
        ("don’t", " dont "),
        ("stop. it, now!", " stop . it , now . "),
        ("want to... die", " want to die "),
        ("k1ll mys3lf", " kill myself "),
        ("su*cide", " suicide "),
        ("$uic!de", " suicide "),
        ("kiiiillll", " kill "),
        ("dieeee", " die "),
        ("k.m.s", " kms "),
        ("i w a n t to d i e", " i want to die "),
        ("ki\u200bll my\u00adself", " kill myself "),
        ("кill mуself", " kill myself "),
        ("𝐤𝐢𝐥𝐥", " kill "),
        ("ｋｉｌｌ", " kill "),
        ("wanna unalive", " want to kill "),
        ("the 💊", " the emojipill "),
        ("mañana, corazón", " manana , corazon "),
        ("800mg at 10 a b c", " 800mg at 10 a b c "),
        ("hmmmm", " hm "),
        ("gr8 b4", " gr8 b4 "),
    ],
)
def test_the_plain_view_shows_the_words_meant(typed: str, plain: str) -> None:
    assert NORMALISER.views(typed).plain == plain


def test_the_raw_view_keeps_what_was_typed() -> None:
    assert NORMALISER.views("k1ll mys3lf, wanna").raw == " k1ll mys3lf , wanna "


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_views_are_space_padded_with_single_spaces(text: str) -> None:
    views = NORMALISER.views(text)

    for view in (views.raw, views.plain):
        assert view.startswith(" ")
        assert view.endswith(" ")
        assert "   " not in view


@pytest.mark.parametrize("unit", ["1l0*", "aaab", "a ", "a.", "*", "💊", "s/h "])
def test_long_disguises_come_to_an_end(unit: str) -> None:
    assert NORMALISER.views(unit * 4000).plain
