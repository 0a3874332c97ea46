"""Loads the rule files of one language from package data into values; reads nothing after that.

A language is a folder: words.toml with its lexicon, and rule files by topic. README.md there tells their fields.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, cast

import msgspec

from nura_rt.pipeline.crisis.misspelt import misspelt
from nura_rt.pipeline.crisis.patterns import Pattern, PatternError, Vocabulary, compile_pattern, expand, flat
from nura_rt.pipeline.turn import Actor, Level

LANGUAGES = ("en", "es", "pt", "fr", "de", "hi")


class _RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    why: str
    says: tuple[str, ...]
    unlike: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    within: int = 60
    name: str = "idiom"
    level: Level = "none"
    past: Level = "low"
    actor: Actor | None = None
    soft: bool = False
    mask: bool = False
    owns: bool = False


class _CombineRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    why: str
    name: str
    level: Level
    all: frozenset[str]
    says: tuple[str, ...]
    unlike: tuple[str, ...]
    any: frozenset[str] = frozenset()


class Rule(msgspec.Struct, frozen=True):
    """One way of saying something. `says` and `unlike` are its examples and their benign twins."""

    id: str
    name: str
    level: Level
    past: Level
    actor: Actor | None
    soft: bool
    mask: bool
    owns: bool
    patterns: tuple[Pattern, ...]
    together: tuple[str, ...]  # concepts that make a finding when they meet in one sentence
    without: tuple[str, ...]  # and that unmake it
    within: int  # code points from the first to the last of them
    language: str
    says: tuple[str, ...]
    unlike: tuple[str, ...]


class Combination(msgspec.Struct, frozen=True):
    """Findings that mean more together than alone: all of `all` and, if `any` is given, one of it."""

    id: str
    name: str
    level: Level
    all: frozenset[str]
    any: frozenset[str]
    says: tuple[str, ...]
    unlike: tuple[str, ...]


class Scene(msgspec.Struct, frozen=True):
    """Words that say the talk is about something else: `near` in their own sentence, `wide` around it too."""

    near: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()


class Lexicon(msgspec.Struct, frozen=True):
    """Words of one language that give a finding its actor, polarity, time and scene."""

    negators: frozenset[str]
    reach: int  # words a negator reaches over
    affirming: frozenset[str]
    thought: frozenset[str]
    contrast: frozenset[str]
    subjects: Mapping[str, Actor]
    past: tuple[str, ...]
    now: tuple[str, ...]
    future: tuple[str, ...]
    long_ago: tuple[str, ...]  # around a finding told in `past_verbs`: it is a story of long ago
    past_verbs: frozenset[str]
    perfect: frozenset[str]  # `ive wanted` is about now
    scenes: Mapping[str, Scene]
    spellings: Mapping[str, str]
    emoji: Mapping[str, str]
    turned: Mapping[str, str]  # words to a person -> the person's own: "your" is "my"


class RuleBook(msgspec.Struct, frozen=True):
    """Everything the detector knows of one language."""

    language: str
    version: str
    rules: tuple[Rule, ...]
    combinations: tuple[Combination, ...]
    concepts: Mapping[str, tuple[str, ...]]
    lexicon: Lexicon
    vocabulary: frozenset[str]


def load(language: str) -> RuleBook:
    """The rule book of `language` (one of LANGUAGES); raises PatternError or msgspec.ValidationError."""
    words = _read(language, "words.toml")
    tables = [_read(language, name) for name in _topics(language)]
    classes = flat(
        {name: tuple(items) for table in (words, *tables) for name, items in table.get("classes", {}).items()}
    )
    vocabulary = Vocabulary(
        classes,
        frozenset(words["common"].split()),
        frozenset(words.get("frequent", "").split()),
        frozenset(words["negators"].split()),
    )
    rows = [msgspec.convert(row, _RuleRow) for table in tables for row in table.get("rule", [])]
    mixes = [msgspec.convert(row, _CombineRow) for table in tables for row in table.get("combine", [])]
    rules = tuple(_rule(row, vocabulary, language) for row in rows)
    concepts = {
        name: tuple(text for phrase in phrases for text in expand(phrase, classes))
        for table in (words, *tables)
        for name, phrases in table.get("concepts", {}).items()
    }
    _check(rules, concepts)
    known = frozenset(word for rule in rules for pattern in rule.patterns for word in pattern.words)
    known |= {word for phrases in concepts.values() for phrase in phrases for word in phrase.split()}
    return RuleBook(
        language=language,
        version=f"{words['version']}.{_digest(language)}",
        rules=rules,
        combinations=tuple(
            Combination(row.id, row.name, row.level, row.all, row.any, row.says, row.unlike) for row in mixes
        ),
        concepts=concepts,
        lexicon=_lexicon(words, known),
        vocabulary=known,
    )


def _rule(row: _RuleRow, words: Vocabulary, language: str) -> Rule:
    patterns = tuple(compile_pattern(source, words) for source in row.patterns)
    return Rule(
        id=row.id,
        name=row.name,
        level=row.level,
        past=row.past,
        actor=row.actor,
        soft=row.soft,
        mask=row.mask,
        owns=row.owns,
        patterns=patterns,
        together=row.together,
        without=row.without,
        within=row.within,
        language=language,
        says=row.says,
        unlike=row.unlike,
    )


def _check(rules: tuple[Rule, ...], concepts: Mapping[str, tuple[str, ...]]) -> None:
    for rule in rules:
        if not rule.patterns and not rule.together:
            raise PatternError(f"{rule.id} has neither patterns nor concepts")
        if unknown := {*rule.together, *rule.without} - concepts.keys():
            raise PatternError(f"{rule.id}: unknown concepts {sorted(unknown)}")


def _lexicon(words: Mapping[str, Any], known: frozenset[str]) -> Lexicon:
    subjects = {
        word: cast(Actor, actor) for actor, listed in words["subjects"].items() for word in listed.split()
    }
    return Lexicon(
        negators=frozenset(words["negators"].split()),
        reach=words["reach"],
        affirming=frozenset(words["affirming"].split()),
        thought=frozenset(words["thought"].split()),
        contrast=frozenset(words["contrast"].split()),
        subjects=subjects,
        past=tuple(words["past"]),
        now=tuple(words["now"]),
        future=tuple(words["future"]),
        long_ago=tuple(words.get("long_ago", ())),
        past_verbs=frozenset(words.get("past_verbs", "").split()),
        perfect=frozenset(words.get("perfect", "").split()),
        scenes=msgspec.convert(words.get("scenes", {}), dict[str, Scene]),
        spellings=misspelt(words.get("often_misspelt", "").split(), known) | words.get("spellings", {}),
        emoji=words.get("emoji", {}),
        turned=words.get("turned", {}),
    )


def _topics(language: str) -> list[str]:
    folder = files("nura_rt.pipeline.crisis").joinpath(language)
    return sorted(
        item.name for item in folder.iterdir() if item.name.endswith(".toml") and item.name != "words.toml"
    )


def _digest(language: str) -> str:
    """Names the content of the language's files: a rule that changed is another rule."""
    folder = files("nura_rt.pipeline.crisis").joinpath(language)
    digest = hashlib.sha256()
    for name in ["words.toml", *_topics(language)]:
        digest.update(folder.joinpath(name).read_bytes())
    return digest.hexdigest()[:8]


def _read(language: str, name: str) -> dict[str, Any]:
    resource = files("nura_rt.pipeline.crisis").joinpath(language, name)
    return tomllib.loads(resource.read_text(encoding="utf-8"))
