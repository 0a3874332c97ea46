"""Disguised words are decoded into words of the rules; other text is left alone."""
# ruff: noqa: RUF001 - lookalike letters are the subject

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.crisis.normalise import Normaliser

NORMALISER = Normaliser(
    spellings={
        "wanna": "want to",
        "unalive": "kill",
        "un alive": "kill",
        "my self": "myself",
        "my self esteem": "my self esteem",
    },
    emoji={"💊": "emojipill"},
    vocabulary=frozenset(
        {
            "kill",
            "myself",
            "suicide",
            "suicidal",
            "die",
            "want",
            "to",
            "kms",
            "live",
            "i",
            "be",
            "dead",
            "hurt",
        }
    ),
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
        ("su***dal", " suicidal "),
        ("s**cide", " suicide "),
        ("s****de", " suicide "),
        ("k**l", " kill "),
        ("iwanttodie", " i want to die "),
        ("iwanttobedeadiwanttobedead", " i want to be dead i want to be dead "),
        ("killmyself", " kill myself "),
        ("#wannadie", " want to die "),
        ("un-alive", " kill "),
        ("hurt my self", " hurt myself "),
        ("she OD'd, he’s od'ing", " she overdosed , hes overdosing "),
        ("800mg at 10 a b c", " 800mg at 10 a b c "),
        ("hmmmm", " hm "),
        ("gr8 b4", " gr8 b4 "),
        ("s****y f***ing d***", " s y f ing d "),
        ("my self esteem", " my self esteem "),
        ("understanding themselves, diestodie", " understanding themselves , diestodie "),
        ("it was an odd day", " it was an odd day "),
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


@pytest.mark.parametrize(
    "unit", ["1l0*", "aaab", "a ", "a.", "*", "💊", "s/h ", "killme", "todie ", "s*d ", "my self ", "od'd "]
)
def test_long_disguises_come_to_an_end(unit: str) -> None:
    assert NORMALISER.views(unit * 4000).plain
