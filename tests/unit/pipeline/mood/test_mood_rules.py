"""The rules against VADER's own package: its words only, and then ours beside them."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

from nura_rt.pipeline.mood.files import Base, vader_words
from nura_rt.pipeline.mood.rules import in_capitals, ironically, normal
from nura_rt.pipeline.mood.score import MoodScorer
from nura_rt.pipeline.mood.words import MoodWords

ITEMS = Path(__file__).parents[3] / "data" / "mood" / "items.jsonl"
NOUNS = [
    "the soup",
    "my brother",
    "this song",
    "our team",
    "the neighbour",
    "the museum",
    "that lecture",
    "her dress",
]
MANNERS = [
    "",
    "very",
    "really",
    "so",
    "not",
    "never",
    "kind of",
    "slightly",
    "extremely",
    "without doubt",
    "not very",
]
FEELINGS = (
    *(
        "good",
        "great",
        "nice",
        "lovely",
        "funny",
        "happy",
        "beautiful",
        "kind",
        "helpful",
        "brilliant",
        "amazing",
    ),
    *("bad", "terrible", "awful", "horrible", "boring", "sad", "angry", "ugly", "rude", "useless", "stupid"),
)
ENDS = [
    "",
    "!",
    "!!!",
    "??",
    " but the garden was wonderful",
    " but the ending was sad",
    ", lol",
    " :)",
    " :(",
]


@pytest.fixture(scope="module")
def vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


@pytest.fixture(scope="module")
def scorer() -> MoodScorer:
    return MoodScorer(MoodWords.load())


@pytest.fixture(scope="module")
def general() -> MoodScorer:
    """With none of our words and phrases."""
    return MoodScorer(MoodWords.build(Base.read(), vader_words(), {}, []))


def sign(score: float) -> int:
    return (score >= 0.05) - (score <= -0.05)


def everyday() -> list[str]:
    """Sentences of every combination of a part, thinned out to some hundreds."""
    parts = product(NOUNS, ["is", "was"], MANNERS, FEELINGS, ENDS)
    return [
        f"{noun} {verb} {manner} {feeling}{end}".replace("  ", " ")
        for noun, verb, manner, feeling, end in parts
    ][::37]


def test_everyday_sentences_have_vaders_sign_where_none_of_our_words_is_in_them(
    vader: SentimentIntensityAnalyzer, scorer: MoodScorer, general: MoodScorer
) -> None:
    common = [text for text in everyday() if scorer.score(text) == general.score(text)]

    apart = [
        text for text in common if sign(scorer.score(text)) != sign(vader.polarity_scores(text)["compound"])
    ]

    assert len(common) >= 200
    assert len(apart) <= 0.05 * len(common), apart


def test_our_english_items_have_vaders_sign_where_none_of_our_words_is_in_them(
    vader: SentimentIntensityAnalyzer, scorer: MoodScorer, general: MoodScorer
) -> None:
    items = [json.loads(line) for line in ITEMS.read_text(encoding="utf-8").splitlines()]
    texts = [item["text"] for item in items if item["lang"] == "en" and item["kind"] == "general"]
    common = [text for text in texts if scorer.score(text) == general.score(text)]

    apart = [
        text for text in common if sign(scorer.score(text)) != sign(vader.polarity_scores(text)["compound"])
    ]

    assert len(common) >= 30
    assert len(apart) <= 0.05 * len(common), apart


@pytest.mark.parametrize(
    "text",
    [
        "the book was good",
        "the book was not good",
        "the book was not very good",
        "the book wasn't good",
        "at least it isn't a horrible book",
        "this is the least interesting book",
        "very least a good book",
        "least happy",
        "the plot was good but the dialogue was awful",
        "the plot was awful but the dialogue was good",
        "it was VERY good",
        "it was GOOD fun",
        "IT WAS GOOD FUN",
        "it was good!",
        "it was good!!!!!!!",
        "was it good??",
        "was it good?????",
        "it was bad!!",
        "it was good :)",
        "it was bad :)",
        "it was bad :(",
        "so sad :'(",
        "i am happy 😀",
        "i am happy 😡",
        "no problem",
        "no good friend of mine",
        "no, i love it",
        "oh no. i love it",
        "no",
        "he is kind",
        "he is kind of annoying",
        "he was only sort of good",
        "i am kinda sad",
        "never so happy in my life",
        "we were never this happy together",
        "he has never been happy",
        "without doubt a good man",
        "without a doubt an excellent idea",
        "without joy",
        "i have not been so happy for ages",
        "i barely like it",
        "hardly good news",
        "this is the bomb",
        "wait at the bus stop",
        "a truly beating heart and a good life",
        "despite the pain he smiled",
        "seldom happy, rarely sad",
        "(great)",
        '"great", she said',
        "'great' he said",
        "it's great-ish; fine",
        "love/hate",
    ],
)
def test_a_rule_has_vaders_sign_and_nearly_its_score(
    vader: SentimentIntensityAnalyzer, general: MoodScorer, text: str
) -> None:
    ours, theirs = general.score(text), vader.polarity_scores(text)["compound"]

    assert sign(ours) == sign(theirs)
    assert ours == pytest.approx(theirs, abs=0.2)


@given(
    st.lists(
        st.sampled_from(
            [*FEELINGS, "the", "very", "so", "not", "never", "slightly", "dog", "isn't", "really", "and"]
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(["", "!", "!!", "???", " :)"]),
)
def test_any_few_words_have_vaders_score(
    vader: SentimentIntensityAnalyzer, general: MoodScorer, words: list[str], end: str
) -> None:
    text = "it was " + " ".join(words) + end

    assert general.score(text) == pytest.approx(vader.polarity_scores(text)["compound"], abs=0.35)


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("I am happy", "I am very happy"),
        ("I am happy", "I am happy!!!"),
        ("this is good", "this is GOOD"),
        ("not good", "good"),
        ("I am sad", "I am somewhat sad"),
        ("it was bad but fun", "fun"),
        ("estoy feliz", "estoy muy feliz"),
        ("no estoy feliz", "estoy feliz"),
        ("estoy triste", "estoy un poco triste"),
        ("era bonito pero caro y triste", "era caro y triste pero bonito"),
    ],
)
def test_modifiers_move_the_score(scorer: MoodScorer, weaker: str, stronger: str) -> None:
    assert scorer.score(weaker) < scorer.score(stronger)


def test_spanish_negators_agree_with_one_another(scorer: MoodScorer) -> None:
    assert scorer.score("no estoy nunca contento") < 0 < scorer.score("estoy contento")


def test_capitals_strengthen_either_way() -> None:
    assert in_capitals(2.0) == -in_capitals(-2.0) > 2.0


def test_irony_turns_praise_and_leaves_blame() -> None:
    assert ironically(3.0) < 0
    assert ironically(0.0) < 0
    assert ironically(-3.0) == -3.0


@given(st.floats(-1e6, 1e6).filter(bool), st.text(alphabet="!? a"))
def test_a_sum_stays_in_range_and_keeps_its_sign(total: float, text: str) -> None:
    score = normal(total, text)

    assert -1.0 <= score <= 1.0
    assert score * total >= 0.0
