"""Loads the rule files of one language from package data into values; reads nothing after that."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, cast

import msgspec

from nura_rt.pipeline.crisis.patterns import Pattern, Vocabulary, compile_pattern
from nura_rt.pipeline.turn import Actor, Level

LANGUAGES = {"en": ("rules_en.toml", "rules_en_more.toml"), "es": ("rules_es.toml",)}


class _RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    patterns: tuple[str, ...]
    name: str = ""
    level: Level = "none"
    past: Level = "low"
    actor: Actor | None = None
    soft: bool = False
    mask: bool = False
    owns: bool = False


class _CombineRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    level: Level
    all: frozenset[str]
    any: frozenset[str] = frozenset()


class Rule(msgspec.Struct, frozen=True):
    """One way of saying something. Fields are explained at the top of rules_en.toml."""

    id: str
    name: str
    level: Level
    past: Level
    actor: Actor | None
    soft: bool
    mask: bool
    owns: bool
    patterns: tuple[Pattern, ...]
    language: str


class Combination(msgspec.Struct, frozen=True):
    """Findings that mean more together than alone: all of `all` and, if `any` is given, one of it."""

    name: str
    level: Level
    all: frozenset[str]
    any: frozenset[str]


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
    scenes: Mapping[str, tuple[str, ...]]
    spellings: Mapping[str, str]
    emoji: Mapping[str, str]


class RuleBook(msgspec.Struct, frozen=True):
    """Everything the detector knows of one language."""

    language: str
    version: str
    rules: tuple[Rule, ...]
    combinations: tuple[Combination, ...]
    lexicon: Lexicon
    vocabulary: frozenset[str]


def load(language: str) -> RuleBook:
    """The rule book of `language` (a key of LANGUAGES); raises PatternError or msgspec.ValidationError."""
    words = _read(f"words_{language}.toml")
    lexicon = _lexicon(words)
    classes = {name: tuple(items) for name, items in words["classes"].items()}
    vocabulary = Vocabulary(classes, frozenset(words["common"].split()), lexicon.negators)
    tables = [_read(name) for name in LANGUAGES[language]]
    rows = [msgspec.convert(row, _RuleRow) for table in tables for row in table.get("rule", [])]
    mixes = [msgspec.convert(row, _CombineRow) for table in tables for row in table.get("combine", [])]
    rules = tuple(_rule(row, vocabulary, language) for row in rows)
    return RuleBook(
        language=language,
        version=str(words["version"]),
        rules=rules,
        combinations=tuple(Combination(row.name, row.level, row.all, row.any) for row in mixes),
        lexicon=lexicon,
        vocabulary=frozenset(word for rule in rules for pattern in rule.patterns for word in pattern.words),
    )


def _rule(row: _RuleRow, words: Vocabulary, language: str) -> Rule:
    patterns = tuple(compile_pattern(source, words) for source in row.patterns)
    name = row.name or "idiom"
    return Rule(
        row.id, name, row.level, row.past, row.actor, row.soft, row.mask, row.owns, patterns, language
    )


def _lexicon(words: Mapping[str, Any]) -> Lexicon:
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
        scenes={name: tuple(cues) for name, cues in words["scenes"].items()},
        spellings=words["spellings"],
        emoji=words["emoji"],
    )


def _read(name: str) -> dict[str, Any]:
    resource = files("nura_rt.pipeline.crisis").joinpath(name)
    return tomllib.loads(resource.read_text(encoding="utf-8"))
