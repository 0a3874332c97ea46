"""What the mood scorer stops at in a text: words and phrases, each with what it does."""

import re
from collections.abc import Mapping
from enum import IntFlag

import msgspec

REACH = 4  # words before a valence word that can change it, at most (Spanish)
_ENGLISH_REACH = 3


class Phrase(msgspec.Struct, frozen=True):
    """One phrase of the files and what it says; `ironic` turns the friendly words beside it."""

    source: str
    classes: Mapping[str, str]
    valence: float
    ironic: bool = False


class Kind(IntFlag):
    """What makes a cue more than a word with a valence."""

    MODIFIER = 1
    MARK = 2  # tells Spanish from English
    PHRASE = 4  # is one, or asks for patterns to be tried
    IRONIC = 8
    NO = 16  # VADER asks what follows it


class Sense(msgspec.Struct, frozen=True):
    """What a word does in one language. A booster has no valence of its own."""

    valence: float = 0.0
    boost: float = 0.0  # added to the strength of a valence behind it
    negates: bool = False
    contrast: bool = False  # "but"
    modifies: bool = False  # any of these, or a word the rules ask for
    reach: int = _ENGLISH_REACH  # how many words on it does so


Patterns = tuple[tuple[re.Pattern[str], Phrase], ...]


class Cue(msgspec.Struct, frozen=True):
    """Why to stop at a word or phrase in a text. A phrase has its own valence, whatever the same word has."""

    text: str
    size: int  # characters, with one space
    kind: int  # of `Kind`
    english: Sense
    spanish: Sense
    phrase: Phrase | None = None
    patterns: Patterns = ()  # to be tried on the whole text


# in a text: the place of the space behind each, in the order of the places
Found = list[tuple[int, Cue]]
