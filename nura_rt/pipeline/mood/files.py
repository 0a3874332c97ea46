"""What is in the mood files (words*.toml), and VADER's two lists, read from its package.

The package is found without importing it, which would load `requests`.
"""

import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import msgspec

from nura_rt.pipeline.mood import inflect

_BOOST = 0.293


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words and phrases of one shade. `adjectives` and `verbs` (Spanish only) take all their endings."""

    about: str
    valence: float = 0.0
    ironic: bool = False
    words: str = ""
    adjectives: str = ""
    verbs: str = ""
    phrases: list[str] = []

    def table(self) -> dict[str, float]:
        """Word -> valence, without accents."""
        made = chain(
            map(inflect.adjective, fold(self.adjectives).split()),
            map(inflect.verb, fold(self.verbs).split()),
        )
        return dict.fromkeys(chain(fold(self.words).split(), *made), self.valence)


class GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of groups of one language; `classes` are names for choices in its phrases."""

    group: list[Group]
    classes: dict[str, str] = {}


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of one language that change others, and those to tell it by."""

    files: list[str]
    negators: str
    own_negators: str
    stronger: str
    weaker: str
    contrast: str
    function_words: str
    common: str  # with the function words: too frequent to look for a phrase by
    foreign: str  # the other language's words that are something else in this one
    asked: str = ""  # words the rules ask for besides
    strengthening: list[str] = []  # idioms that do what the stronger and the weaker words do
    weakening: list[str] = []
    idioms: dict[str, float] = {}  # VADER's, with their valence

    def boosters(self) -> dict[str, float]:
        """Word or idiom -> what it adds to the strength of the next."""
        stronger, weaker = self.stronger.split(), self.weaker.split()
        return dict.fromkeys([*stronger, *self.strengthening], _BOOST) | dict.fromkeys(
            [*weaker, *self.weakening], -_BOOST
        )

    def all_negators(self) -> frozenset[str]:
        """VADER's and ours, without apostrophes."""
        return frozenset(f"{self.negators} {self.own_negators}".replace("'", "").split())

    def marks(self) -> frozenset[str]:
        """The words to tell it by."""
        return frozenset(self.function_words.replace("'", "").split())

    def group_files(self) -> Iterator[GroupFile]:
        """The files of this language."""
        return (msgspec.toml.decode(_read(name), type=GroupFile) for name in self.files)


class Signs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Characters outside ASCII: emoji as words, and what is only punctuation."""

    valence: dict[str, float]
    apostrophes: str
    spaces: str
    ironic: str
    emoji: dict[str, str]

    def table(self) -> dict[str, str]:
        """Character -> what to read instead. VADER's emoji are put into its words."""
        named = {sign: f" {name} " for sign, name in vader_emoji().items()}
        named |= {sign: f" {name} " for sign, name in self.emoji.items()}
        letters = {
            letter: plain for letter in map(chr, range(0xC0, 0x250)) if (plain := fold(letter)).isascii()
        }
        return letters | named | dict.fromkeys(self.apostrophes, "'") | dict.fromkeys(self.spaces, " ")


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """words.toml."""

    en: Language
    es: Language
    signs: Signs

    @classmethod
    def read(cls) -> "Base":
        """Raises when the file is missing or broken."""
        return msgspec.toml.decode(_read("words.toml"), type=cls)

    def common(self) -> frozenset[str]:
        """Words too frequent to look for a phrase by."""
        words = " ".join((self.en.function_words, self.en.common, self.es.function_words, self.es.common))
        return frozenset(words.replace("'", "").split())


def vader_words() -> dict[str, float]:
    """Word -> mean valence."""
    return {word: float(mean) for word, mean in _vader("vader_lexicon.txt")}


def vader_emoji() -> dict[str, str]:
    """Emoji of one code point -> what it shows, in words."""
    named = _vader("emoji_utf8_lexicon.txt")
    return {sign: name.encode("ascii", "ignore").decode() for sign, name in named if len(sign) == 1}


def fold(text: str) -> str:
    """Without accents: people leave them out."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _read(name: str) -> str:
    return files("nura_rt.pipeline.mood").joinpath(name).read_text(encoding="utf-8")


def _vader(name: str) -> list[tuple[str, str]]:
    spec = find_spec("vaderSentiment")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the vaderSentiment package is not installed")
    lines = Path(spec.submodule_search_locations[0], name).read_text(encoding="utf-8").splitlines()
    rows = [line.strip("\r\n").split("\t") for line in lines]
    return [(row[0].strip(), row[1]) for row in rows if len(row) > 1]
