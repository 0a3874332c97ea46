"""How the words of both languages and the phrases become cues."""

import pytest

from nura_rt.pipeline.mood.cues import Cue, Kind, Phrase
from nura_rt.pipeline.mood.files import Base
from nura_rt.pipeline.mood.words import MoodWords


@pytest.fixture(scope="module")
def words() -> MoodWords:
    return MoodWords.load()


def cue(words: MoodWords, text: str) -> Cue:
    return next(found for _, found in words.cues.find(f" {text} ") if found.size == len(text) + 1)


@pytest.mark.parametrize(
    ("text", "english", "spanish"),
    [
        ("happy", 2.7, 2.7),
        ("feliz", 2.3, 2.3),
        ("sin", -2.6, 0.0),
        ("no", -1.2, 0.0),
        ("mal", 0.0, -2.2),
        ("really", 0.0, 0.0),
        ("rock bottom", -2.4, -2.4),
        ("sounds like", 0.0, 0.0),
    ],
)
def test_a_cue_has_the_valence_of_each_language(
    words: MoodWords, text: str, english: float, spanish: float
) -> None:
    found = cue(words, text)

    assert (found.english.valence, found.spanish.valence) == (english, spanish)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("happy", Kind(0)),
        ("very", Kind.MODIFIER),
        ("but", Kind.MODIFIER),
        ("que", Kind.MARK),
        ("no", Kind.MODIFIER | Kind.NO),
        ("muy", Kind.MODIFIER | Kind.MARK),
        ("emojieyeroll", Kind.IRONIC),
        ("rock bottom", Kind.PHRASE),
        ("kind of", Kind.MODIFIER | Kind.PHRASE),
    ],
)
def test_a_cue_says_what_has_to_be_done_for_it(words: MoodWords, text: str, kinds: Kind) -> None:
    assert cue(words, text).kind == kinds


def test_a_booster_has_no_valence_and_a_valued_word_boosts_nothing() -> None:
    built = MoodWords.build(Base.read(), {"really": 2.0, "good": 1.9}, {}, [])

    really = cue(built, "really").english

    assert really.valence == 0.0
    assert really.boost == 0.0


def test_the_strongest_phrase_has_a_spelling_of_two() -> None:
    phrases = [Phrase("a|b", {}, 0.0), Phrase("so (low|high)", {}, -0.5), Phrase("so low", {}, -2.0)][1:]

    built = MoodWords.build(Base.read(), {}, {}, phrases)

    assert cue(built, "so low").english.valence == -2.0
    assert cue(built, "so high").english.valence == -0.5


def test_spellings_of_one_phrase_share_a_cue() -> None:
    built = MoodWords.build(Base.read(), {}, {}, [Phrase("(red|tan) (dog|cat)", {}, 1.0)])

    assert cue(built, "red dog") is cue(built, "tan cat")


def test_what_a_text_is_told_spanish_by_is_marked(words: MoodWords) -> None:
    assert "the" in words.english_marks
    assert "dont" in words.english_marks
