"""The mood score of whole texts: our labelled items, both languages, and any text at all."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import thread_time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.mood.score import MoodScorer
from nura_rt.pipeline.mood.words import MoodWords

ITEMS = Path(__file__).parents[3] / "data" / "mood" / "items.jsonl"


class Item(msgspec.Struct, frozen=True):
    id: str
    lang: str
    text: str
    sign: int
    kind: str
    split: str


@pytest.fixture(scope="module")
def scorer() -> MoodScorer:
    return MoodScorer(MoodWords.load())


def items() -> Iterator[Item]:
    return (msgspec.json.decode(line, type=Item) for line in ITEMS.read_bytes().splitlines())


def sign(score: float) -> int:
    return (score >= 0.05) - (score <= -0.05)


def agrees(item: Item, score: float) -> bool:
    """A text labelled neutral may lean a little either way."""
    return abs(score) < 0.3 if item.sign == 0 else sign(score) == item.sign


def test_the_sign_agrees_with_our_items_four_times_in_five_in_each_half(scorer: MoodScorer) -> None:
    right: Counter[str] = Counter()
    seen: Counter[str] = Counter()

    for item in items():
        for group in (item.split, item.lang, item.kind):
            seen[group] += 1
            right[group] += agrees(item, scorer.score(item.text))

    shares = {group: right[group] / seen[group] for group in seen}
    assert seen["dev"] == seen["test"] == 160
    assert min(shares.values()) >= 0.8, shares


@pytest.mark.parametrize(
    "text",
    [
        "everyone would be better off without me",
        "goodbye everyone, thank you for everything",
        "I don't want to be here anymore",
        "I feel numb and empty",
        "i can't eat and i haven't slept",
        "I've stopped answering my friends",
        "nobody cares",
        "he used to love me",
        "wow great, another parking ticket, just what i needed",
        "estoy triste y tengo miedo",
        "no me gusta nada",
        "ya no puedo más",
        "Genial, otra multa. Justo lo que me faltaba.",
        "nunca me he sentido tan humillada",
        "me arrepiento de todo",
    ],
)
def test_dark_words_in_friendly_clothes_are_negative(scorer: MoodScorer, text: str) -> None:
    assert scorer.score(text) < -0.05


@pytest.mark.parametrize(
    "text",
    [
        "no nightmares this week",
        "ten days without drinking",
        "i called my sponsor instead of drinking",
        "I couldn't be happier",
        "i can't wait to see you",
        "I asked for help",
        "the fog is lifting",
        "no estuvo nada mal",
        "hoy cumplo cien días sin beber",
        "¡Aprobé! ¡Estoy contentísima!",
        "me reí muchísimo con mis primos",
        "me ENCANTA este gato 😍",
        "we'll manage, thank you",
    ],
)
def test_good_news_in_dark_words_are_positive(scorer: MoodScorer, text: str) -> None:
    assert scorer.score(text) > 0.05


@pytest.mark.parametrize(
    "text",
    [
        "the train leaves at nine",
        "once upon a time there was a solo flight to Malaga with the son of a baker",
        "El curso empieza en septiembre y dura diez semanas.",
        "mi hijo son las once y voy solo con pan sin sal",
        "my therapist moved the session to friday",
        "I'll call you, she'll call him, we'll see",
        "",
        " \n\t ",
        "\0",
        "\ud800",
    ],
)
def test_what_says_nothing_stays_near_zero(scorer: MoodScorer, text: str) -> None:
    assert abs(scorer.score(text)) < 0.3


def test_a_word_of_two_languages_counts_in_its_own(scorer: MoodScorer) -> None:
    assert scorer.score("me siento muy mal y estoy solo en casa") < -0.05
    assert scorer.score("he flew solo to Mal") == 0.0
    assert scorer.score("sin ti no hay fiesta") != scorer.score("the sin of the party")


def test_what_is_very_dark_is_never_turned_into_something_bright(scorer: MoodScorer) -> None:
    assert scorer.score("i don't want to die") <= 0.0


def test_accents_may_be_left_out(scorer: MoodScorer) -> None:
    assert scorer.score("que depresión tan fea") == scorer.score("que depresion tan fea") < 0


def test_a_very_long_text_stays_in_range(scorer: MoodScorer) -> None:
    assert 0.99 < scorer.score("great " * 5000) <= 1.0


WORDS = "not so very least no kind of but GREAT sad :) never without doubt can't get out of bed 😭 ! ? no puedo más ni"


@given(st.text() | st.lists(st.sampled_from(WORDS.split(" ")), max_size=60).map(" ".join))
def test_every_text_has_a_finite_score_in_range(scorer: MoodScorer, text: str) -> None:
    score = scorer.score(text)

    assert math.isfinite(score)
    assert -1.0 <= score <= 1.0


@pytest.mark.parametrize(
    "part",
    [
        "happy sad ",
        "not ",
        "!",
        "?",
        "😀",
        "😭 ",
        "ñ",
        "not very GOOD but ",
        "can't get out of bed ",
        "no puedo más sin ganas ",
        "lost another # kilos ",
        "no no good ",
        "-",
        "a ",
    ],
)
def test_64_kib_of_anything_take_little_time(scorer: MoodScorer, part: str) -> None:
    text = part * (65536 // len(part.encode()))

    times = []
    for _ in range(5):
        start = thread_time()
        scorer.score(text)
        times.append(thread_time() - start)

    assert min(times) < 0.02
