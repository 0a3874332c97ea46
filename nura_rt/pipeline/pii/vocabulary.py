"""Ordinary words: what no rule takes for a name, however it is introduced."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from nura_rt.pipeline.pii.fold import plain_word

_VOWELS = frozenset("aeiou")
_SIBILANT = ("s", "x", "z", "ch", "sh")
_STEM = 3  # letters that a word needs before endings are put to it
_LONG_STEM = 4  # and before "ly": "carly" is not "car" + "ly"


class Vocabulary:
    """Words in lower case without accents, with their regular English forms."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words

    @classmethod
    def load(cls) -> "Vocabulary":
        """Reads the package's ordinary.toml and VADER's lexicon."""
        text = files("nura_rt.pipeline.pii").joinpath("ordinary.toml").read_text(encoding="utf-8")
        own = {plain_word(word) for group in tomllib.loads(text).values() for word in group.split()}
        return cls(frozenset(form for word in own for form in inflected(word)) | _lexicon())

    def knows(self, word: str) -> bool:
        """Whether the plain lower-case `word` is an ordinary one."""
        return word in self._words or (word.endswith("'s") and word[:-2] in self._words)


def inflected(word: str) -> Iterator[str]:
    """A base form and the regular forms of it: "cry", "cries", "cried", "crying"."""
    yield word
    if len(word) < _STEM:
        return
    soft = word[-1] == "y" and word[-2] not in _VOWELS
    silent = word.removesuffix("e")
    yield f"{word[:-1]}ies" if soft else f"{word}es" if word.endswith(_SIBILANT) else f"{word}s"
    if word[-1] == "o":
        yield f"{word}es"
    yield f"{word[:-1]}ied" if soft else f"{silent}ed"
    yield f"{silent}ing"
    if word[-1] not in _VOWELS and word[-2] in _VOWELS:
        yield f"{word}{word[-1]}ed"
        yield f"{word}{word[-1]}ing"
    if len(word) >= _LONG_STEM:
        yield f"{word[:-1]}ily" if soft else f"{word.removesuffix('le')}ly"


def _lexicon() -> frozenset[str]:
    """VADER's words, read beside the package: importing it would load `requests`."""
    spec = find_spec("vaderSentiment")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the vaderSentiment package is not installed")
    path = Path(spec.submodule_search_locations[0], "vader_lexicon.txt")
    return frozenset(line.split("\t")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
