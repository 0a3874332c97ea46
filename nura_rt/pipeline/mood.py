"""Mood of a text as one number in [-1, 1]: VADER's lexicon (from its package) and main rules, own code.

It never gates crisis. The lexicon file is found without importing the package, which would load `requests`.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import msgspec

_NEGATED = -0.74  # what a negator does to a valence
_BOOST = 0.293
_CAPITALS = 0.733
_DISTANCE = (1.0, 0.95, 0.9)  # a modifier one, two or three words away
_NORMAL = 15.0
_STRIP = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_LONGEST = 2000  # words read of one text


class MoodWords(msgspec.Struct, frozen=True):
    """What the scorer knows: valences in -4..4, modifiers as signed strengths."""

    valence: Mapping[str, float]
    boosters: Mapping[str, float]
    negators: frozenset[str]
    phrases: Mapping[str, float]
    emoji: Mapping[str, str]

    @classmethod
    def load(cls) -> "MoodWords":
        """Reads the package's own words and VADER's lexicon; raises when either is missing."""
        own = tomllib.loads(files("nura_rt.pipeline").joinpath("mood_words.toml").read_text(encoding="utf-8"))
        valence = {word: float(mean) for word, mean in _columns("vader_lexicon.txt")}
        boosters = dict.fromkeys(own["stronger"].split(), _BOOST) | dict.fromkeys(
            own["weaker"].split(), -_BOOST
        )
        emoji = {sign: f" {name} " for sign, name in _columns("emoji_utf8_lexicon.txt") if len(sign) == 1}
        return cls(
            valence | own["valence"], boosters, frozenset(own["negators"].split()), own["phrases"], emoji
        )


class MoodScorer:
    """Scores one text at a time; holds no text."""

    def __init__(self, words: MoodWords) -> None:
        self._words = words

    def score(self, text: str) -> float:
        """Mood in [-1, 1]; 0.0 where nothing says anything."""
        shown = text if text.isascii() else _FOREIGN.sub(self._described, text)
        lowered_text = shown.lower()
        lowered = [
            word if word.isalpha() else _bare(word) for word in lowered_text.split(None, _LONGEST)[:_LONGEST]
        ]
        valence = self._words.valence
        places = [place for place, word in enumerate(lowered) if word in valence]
        total = self._phrases(lowered_text)
        if not places and not total:
            return 0.0
        tokens = shown.split(None, _LONGEST)[:_LONGEST]
        loud = any(tokens[place].isupper() for place in places) and not all(map(str.isupper, tokens))
        turn = lowered.index("but") if "but" in lowered else -1
        for place in places:
            value = self._valence(lowered, place, loud and tokens[place].isupper())
            if turn >= 0 and place != turn:
                value *= 0.5 if place < turn else 1.5
            total += value
        return _normal(total, _emphasis(text))

    def _valence(self, words: list[str], place: int, shouted: bool) -> float:
        lexicon = self._words
        word = words[place]
        if word in lexicon.boosters or self._is_denial(words, place):
            return 0.0
        value = lexicon.valence[word]
        if "no" in words[max(0, place - 2) : place]:
            value *= _NEGATED
        if shouted:
            value += math.copysign(_CAPITALS, value)
        for distance in range(1, min(place, 3) + 1):
            before = words[place - distance]
            if before in lexicon.valence:
                continue
            boost = lexicon.boosters.get(before)
            if boost is not None:
                value += math.copysign(boost * _DISTANCE[distance - 1], value * boost)
            if before in lexicon.negators or before.endswith("n't"):
                value *= _negation(words, place, distance)
        least = place > 0 and words[place - 1] == "least" and words[max(0, place - 2)] not in ("at", "very")
        return value * _NEGATED if least else value

    def _described(self, match: re.Match[str]) -> str:
        return self._words.emoji.get(match[0], match[0])

    def _is_denial(self, words: list[str], place: int) -> bool:
        """`no` before a word with a valence turns that word, and says nothing itself; `kind of` is no kindness."""
        after = words[place + 1] if place + 1 < len(words) else ""
        return (words[place] == "no" and after in self._words.valence) or (
            words[place] == "kind" and after == "of"
        )

    def _phrases(self, lowered: str) -> float:
        return sum(value for phrase, value in self._words.phrases.items() if phrase in lowered)


def _negation(words: list[str], place: int, distance: int) -> float:
    between = words[place - distance + 1 : place]
    if words[place - distance] == "never" and ("so" in between or "this" in between):
        return 1.25
    if words[place - distance] == "without" and "doubt" in between:
        return 1.0
    return _NEGATED


def _emphasis(text: str) -> float:
    questions = text.count("?")
    asked = 0.0 if questions < 2 else (0.18 * questions if questions < 4 else 0.96)
    return min(text.count("!"), 4) * 0.292 + asked


def _normal(total: float, emphasis: float) -> float:
    if total:
        total += math.copysign(emphasis, total)
    return max(-1.0, min(1.0, total / math.sqrt(total * total + _NORMAL)))


def _bare(token: str) -> str:
    """Without punctuation around it, unless little is left: then it may be an emoticon."""
    bare = token.strip(_STRIP)
    return bare if len(bare) > 2 else token


def _columns(name: str) -> list[tuple[str, str]]:
    spec = find_spec("vaderSentiment")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the vaderSentiment package is not installed")
    lines = Path(spec.submodule_search_locations[0], name).read_text(encoding="utf-8").splitlines()
    rows = [line.strip("\r\n").split("\t") for line in lines]
    return [(row[0].strip(), row[1]) for row in rows if len(row) > 1]
