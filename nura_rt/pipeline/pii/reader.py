"""Opens a text for the rules: lower case, and where every cue stands. One pass over the text for each set of cues."""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.pii.fold import plain_word
from nura_rt.pipeline.pii.page import Page

# What ends a word is read as a space, so that a cue is a whole word; hyphens and apostrophes belong to words.
# Every digit is read as 0: one look tells whether there is any.
_SEPARATORS = '.,;:!?()[]{}"/\\\n\r\t*_~=<>|#+&'
_DIGITS = "123456789"
_SPACES = str.maketrans(dict.fromkeys(_SEPARATORS, " ") | dict.fromkeys(_DIGITS, "0"))
_ASCII_SPACES = bytes.maketrans(
    (_SEPARATORS + _DIGITS).encode(), b" " * len(_SEPARATORS) + b"0" * len(_DIGITS)
)
_MOST_CUES = 1600  # a long letter has a few hundred
_MOST_DIGITS = 10_000  # signs of zones: a year's log, a line a day


class Meaning(NamedTuple):
    """What a cue announces (`kinds`), and how many signs it has."""

    kinds: tuple[str, ...]
    length: int


class Reader:
    """Holds the cues: some are looked for in every text, some only in one with digits."""

    def __init__(self, always: Mapping[str, Sequence[str]], with_digits: Mapping[str, Sequence[str]]) -> None:
        """Both: kind -> cues. A cue is words as they are written; "*weg" is the end of a word."""
        self._always = _automaton(always)
        self._with_digits = _automaton(with_digits)

    def open(self, text: str, accented: str) -> Page:
        """Both as folded. What comes after more cues or numbers than people write is closed unread."""
        lower = text.lower()
        words = _words(lower)
        cues: dict[str, list[tuple[int, int]]] = {}
        last = _collect(self._always, words, cues)
        digits = "0" in words
        if digits:
            last = min(last, _collect(self._with_digits, words, cues))
        page = Page(text, lower, accented, cues, has_digits=digits)
        if page.zones:
            last = min(last, _last(page.zones))
        if last < len(text):
            page.close_from(last)
        return page


def load_cues() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The package's cues.toml: those for every text, and those for texts with digits."""
    text = files("nura_rt.pipeline.pii").joinpath("cues.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return tables["always"], tables["with_digits"]


def _automaton(cues: Mapping[str, Sequence[str]]) -> Cues[Meaning]:
    kinds: dict[str, dict[str, None]] = {}
    for kind, phrases in cues.items():
        for phrase in phrases:
            kinds.setdefault(_spaced(phrase), {})[kind] = None
    return Cues({phrase: Meaning(tuple(found), len(phrase.strip(" "))) for phrase, found in kinds.items()})


def _spaced(phrase: str) -> str:
    """A cue as it stands in a spaced text: with a space where its first and its last word end."""
    plain = plain_word(phrase.removeprefix("*")).translate(_SPACES).rstrip(" ")
    return f"{plain} " if phrase.startswith("*") else f" {plain} "


def _collect(automaton: Cues[Meaning], words: str, cues: dict[str, list[tuple[int, int]]]) -> int:
    """Adds to `cues`; the place of the first cue too many, else the end of the text."""
    # `end` is the place of the space behind a cue; the added space makes it the next place of the text plus one
    for number, (end, meaning) in enumerate(automaton.find(words)):
        if number >= _MOST_CUES:
            return end - 1 - meaning.length
        for kind in meaning.kinds:
            cues.setdefault(kind, []).append((end - 1 - meaning.length, end - 1))
    return len(words)


def _last(zones: list[tuple[int, int]]) -> int:
    """Where the zones get too much: inside one, when it alone is."""
    left = _MOST_DIGITS
    for start, end in zones:
        if end - start > left:
            return start + left
        left -= end - start
    return sys.maxsize


def _words(lower: str) -> str:
    """`lower` with a space for every sign between words, and around all of it."""
    if lower.isascii():
        return f" {lower.encode().translate(_ASCII_SPACES).decode()} "  # ten times as fast as on a string
    return f" {lower.translate(_SPACES)} "
