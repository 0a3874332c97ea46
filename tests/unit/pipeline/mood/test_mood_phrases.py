"""Which phrases stand in a text, and what becomes of the words they cover."""

import pytest

from nura_rt.pipeline.mood.cues import Found, Phrase
from nura_rt.pipeline.mood.files import Base
from nura_rt.pipeline.mood.phrases import instead, spans, without_denials
from nura_rt.pipeline.mood.words import MoodWords

PHRASES = {
    "fall apart": -2.0,
    "will fall": -0.5,
    "days without": 1.0,
    "lost ~2 kilos": -1.5,
    "like it": 0.0,
    "the last day": 0.7,
}
WORDS = {"good": 2.0, "fall": -1.0, "drinking": -1.0, "like": 1.5, "no": -1.2, "last": 0.1}


@pytest.fixture(scope="module")
def words() -> MoodWords:
    return MoodWords.build(
        Base.read(), WORDS, {}, [Phrase(text, {}, value) for text, value in PHRASES.items()]
    )


def read(words: MoodWords, text: str) -> tuple[Found, list[str]]:
    spaced = f" {text} "
    found = list(words.cues.find(spaced))
    said = spans(spaced, found)
    return (instead(found, said) if said else found), [spaced[start + 1 : end] for start, end, _ in said]


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("i fall apart", ["fall apart"]),
        ("i will fall apart", ["will fall"]),
        ("lost another two kilos on the last day", ["lost another two kilos", "the last day"]),
        ("fall apart fall apart", ["fall apart", "fall apart"]),
        ("nothing here", []),
    ],
)
def test_the_leftmost_and_longest_phrases_stand(words: MoodWords, text: str, phrases: list[str]) -> None:
    assert read(words, text)[1] == phrases


@pytest.mark.parametrize(
    ("text", "valences"),
    [
        ("good people fall apart", [2.0, -2.0]),
        ("i will fall apart good", [-0.5, 2.0]),
        ("i like it", []),
        ("lost two kilos", [-1.5]),
        ("good days without drinking", [2.0, 1.0, -1.0]),
    ],
)
def test_a_phrase_takes_the_place_of_the_words_it_covers(
    words: MoodWords, text: str, valences: list[float]
) -> None:
    found, _ = read(words, text)

    assert [cue.english.valence for _, cue in found if cue.english.valence] == valences


def test_a_modifier_at_the_end_of_a_phrase_goes_on(words: MoodWords) -> None:
    found, _ = read(words, "days without drinking")

    assert [cue.text for _, cue in found if cue.english.negates] == ["without"]


def test_places_stay_in_order(words: MoodWords) -> None:
    found, _ = read(words, "good lost my kilos good days without good the last day")

    assert [end for end, _ in found] == sorted(end for end, _ in found)


def test_no_before_a_valence_says_nothing_itself(words: MoodWords) -> None:
    found = without_denials(list(words.cues.find(" no good no ")))

    assert [cue.english.valence for _, cue in found] == [0.0, 2.0, -1.2]
