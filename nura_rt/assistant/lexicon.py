"""What the companion listens for and what it can say, per language, read from the data files beside it.

Invariant: patterns match folded text (see `fold`), and folding keeps every character at its place.
"""

import functools
import re
from importlib import resources
from typing import Literal

import msgspec

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
ANSWERS = ("unsure", "no", "yes")  # in this order: "no idea" is not a no
_ACCENTED = "İàáâãäåçèéêëìíîïñòóôõöùúûüý"
_QUOTES = "\u2018\u2019\u00b4`"
_PLAIN = "iaaaaaaceeeeiiiinooooouuuuy"


class Signs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of `signs_<language>.json`: word lists and pattern sources, without accents."""

    stop_words: frozenset[str]
    swap: dict[str, str]  # first person -> second person
    after_i: dict[str, str]  # verb forms that change when "I" becomes "you"
    spell: dict[str, str]
    never_mirror: frozenset[str]
    one_letter: frozenset[str]
    first_person_ends: tuple[str, ...]
    first_person_fine: frozenset[str]
    clause_starts: str
    absolute: str
    copula: str
    fillers: str
    frames: dict[str, str]
    amounts: str
    negations: str
    negated_frame: str
    and_: str = msgspec.field(name="and")
    tail_starts: frozenset[str]
    tail_cuts: frozenset[str]
    tail_ends_bad: frozenset[str]
    feelings: dict[str, tuple[str, ...]]
    topics: dict[str, str]
    intents: dict[str, str]
    nouns: str
    my: str
    kin: str  # called so without "my"
    not_word: str
    your: str
    feeling_item: str
    list_and: str
    hurt_now: str


class Lexicon(msgspec.Struct, frozen=True):
    """One language, ready for use."""

    language: Language
    signs: Signs
    say: dict[str, tuple[str, ...]]  # pool -> sentences; an exercise's pool holds its steps in order
    intents: dict[str, re.Pattern[str]]
    topics: dict[str, re.Pattern[str]]
    feeling_group: dict[str, str]
    feeling: re.Pattern[str]
    noun: re.Pattern[str]
    clause: re.Pattern[str]
    filler: re.Pattern[str]
    one_answer: dict[str, re.Pattern[str]]  # unsure, no, yes: said once or twice
    answers: re.Pattern[str]  # two or three of them in a row
    absolute: re.Pattern[str]
    copula: re.Pattern[str]
    hurt_now: re.Pattern[str]


def fold(text: str) -> str:
    """Lower case, without Latin accents, with straight apostrophes; as long as the input."""
    if text.isascii():  # most texts, four times as fast
        return text.replace("`", "'").lower()
    return text.translate(_folding()).lower()


def whole(source: str) -> re.Pattern[str]:
    """A pattern that matches only whole words."""
    return re.compile(rf"(?<!\w)(?:{source})(?!\w)")


@functools.cache
def lexicon(language: Language) -> Lexicon:
    """Read once per language, on first use."""
    signs = msgspec.json.decode(_read(f"signs_{language}.json"), type=Signs)
    say = msgspec.json.decode(_read(f"phrases_{language}.json"), type=dict[str, tuple[str, ...]])
    mixed = "|".join(signs.intents[name] for name in ANSWERS)
    return Lexicon(
        language=language,
        signs=signs,
        say=say,
        intents={name: whole(source) for name, source in signs.intents.items()},
        topics={name: whole(source) for name, source in signs.topics.items()},
        feeling_group={word: group for group, words in signs.feelings.items() for word in words},
        feeling=_feeling(signs),
        noun=whole(rf"(?:{signs.my}) (?P<owned>{fold(signs.nouns)})|(?P<kin>{fold(signs.kin)})"),
        clause=whole(signs.clause_starts),
        filler=re.compile(rf"(?:{signs.fillers})+"),
        one_answer={
            name: re.compile(rf"(?:{signs.intents[name]})(?: (?:{signs.intents[name]}))?") for name in ANSWERS
        },
        answers=re.compile(rf"(?:{mixed})(?: (?:{mixed})){{1,2}}"),
        absolute=whole(signs.absolute),
        copula=whole(signs.copula),
        hurt_now=whole(signs.hurt_now),
    )


def _feeling(signs: Signs) -> re.Pattern[str]:
    words = "|".join(
        sorted((re.escape(w) for group in signs.feelings.values() for w in group), key=len, reverse=True)
    )
    frames = "|".join(f"(?P<{name}>{source})" for name, source in signs.frames.items())
    some = rf"(?:(?:{signs.amounts}) ){{0,3}}"
    more = rf"(?:(?:,|,? (?:{signs.and_})) {some}(?:{words})(?!\w))?"
    return re.compile(
        rf"(?<!\w)(?:(?:(?P<negated>{signs.negated_frame})|{frames}) )?"
        rf"(?P<said>(?P<not>(?:{signs.negations}) )?{some}(?P<word>{words})(?!\w){more})"
    )


@functools.cache
def _folding() -> dict[int, str]:
    table = dict(zip(_ACCENTED + _ACCENTED.upper(), _PLAIN + _PLAIN, strict=True))
    return {ord(a): b for a, b in (table | dict.fromkeys(_QUOTES, "'")).items()}


def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
