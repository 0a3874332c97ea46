"""The mood score agrees with VADER on everyday items and sees what VADER does not."""

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

from nura_rt.pipeline.mood import MoodScorer, MoodWords

EVERYDAY = """
I had a wonderful day with my family
The food was terrible and the waiter was rude
I am not happy about this
This is the best thing that ever happened to me!!!
I love how quiet it is here
I hate waiting in line
The movie was good but the ending was awful
The movie was awful but the ending was good
It was okay, nothing special
We went to the shop and bought bread
She is very kind and helpful
He isn't kind or helpful
I'm kind of annoyed
The weather is AMAZING today
The weather is BAD today
I never liked that song
I have never been so happy
That was a really funny joke :)
That made me cry :(
Thanks for your help
No problem at all
No, I did not enjoy it
I am proud of my progress
My friend betrayed me
I failed the test and I am sad
I passed the test and I am thrilled
The train leaves at nine
Can you help me?
I feel sick
I feel better than yesterday
It was not a bad day
The party was great, but I was tired
What a horrible, horrible mess
I trust her without doubt
She barely smiled
I'm extremely grateful
I was slightly disappointed
Good morning
I lost my wallet
I found a nice cafe
The dog is cute 😍
I'm so angry 😡
This is the least interesting book
He died last year
The concert was fantastic and the crowd was friendly
I'm worried about the results
They won the game
I miss my grandmother
It hurts when I walk
We laughed a lot
""".strip().splitlines()


@pytest.fixture(scope="module")
def scorer() -> MoodScorer:
    return MoodScorer(MoodWords.load())


def sign(score: float) -> int:
    return (score > 0.05) - (score < -0.05)


def test_the_sign_agrees_with_vader_on_95_percent_of_everyday_items(scorer: MoodScorer) -> None:
    vader = SentimentIntensityAnalyzer()

    apart = [
        text for text in EVERYDAY if sign(scorer.score(text)) != sign(vader.polarity_scores(text)["compound"])
    ]

    assert len(apart) <= 0.05 * len(EVERYDAY), apart


@pytest.mark.parametrize(
    "text",
    [
        "everyone would be better off without me",
        "goodbye everyone, thank you for everything",
        "I don't want to be here anymore",
        "I feel numb and empty",
        "estoy triste y tengo miedo",
    ],
)
def test_dark_words_in_friendly_clothes_are_negative(scorer: MoodScorer, text: str) -> None:
    assert scorer.score(text) < -0.05


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("I am happy", "I am very happy"),
        ("I am happy", "I am happy!!!"),
        ("this is good", "this is GOOD"),
        ("not good", "good"),
        ("I am sad", "I am somewhat sad"),
        ("it was bad but fun", "fun"),
    ],
)
def test_modifiers_move_the_score(scorer: MoodScorer, weaker: str, stronger: str) -> None:
    assert scorer.score(weaker) < scorer.score(stronger)


@pytest.mark.parametrize("text", ["", " ", "\0", "the train leaves at nine", "\ud800", "no"])
def test_scores_stay_in_range(scorer: MoodScorer, text: str) -> None:
    assert -1.0 <= scorer.score(text) <= 1.0


def test_a_very_long_text_stays_in_range(scorer: MoodScorer) -> None:
    assert 0.99 < scorer.score("great " * 5000) <= 1.0
