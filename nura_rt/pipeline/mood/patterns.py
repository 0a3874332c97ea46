"""The small language of the phrases in the mood files.

`word`, `stem*` (with an English ending), `#` (a number), `<class>`, `(a|b c)` one of, `x?` optional, `~3` up to three
words between. A phrase is spelled out in full where that gives a bounded list; else it is a bounded regex, tried only
on a text that holds one of its anchors.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations_with_replacement, product
from math import prod

import msgspec

_TOKEN = re.compile(r"[()|?]|<\w+>|~\d|[^\s()|?<>~]+")
_ENDINGS = (
    "",
    "s",
    "d",
    "e",
    "es",
    "ed",
    "ing",
    "er",
    "or",
    "en",
    "tion",
    "se",
    "ze",
    "sed",
    "zed",
    "sing",
    "zing",
)
_NUMBER = (
    r"(?:\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|ninety"
    r"|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|quince|veinte|treinta|cuarenta|noventa)"
)
_MOST_SPELLED = 1500
_MOST_ANCHORS = 800

Choices = tuple[str, ...]


class PatternError(ValueError):
    """A mood file holds a phrase that cannot be read, or that nothing can be found by."""


class Pattern(msgspec.Struct, frozen=True):
    """What a text must hold one of to match; where that is not all, a regex over words with a space on each side."""

    anchors: Choices
    regex: re.Pattern[str] | None = None


class _Part(msgspec.Struct, frozen=True):
    """A piece of a pattern: its regex, and all it can be, each with a space before; none when that is too much."""

    regex: str
    choices: Choices = ()


def compile_pattern(source: str, classes: Mapping[str, str], common: frozenset[str]) -> Pattern:
    """`source` in the language above. Anchors are chosen with few of the `common` words. Raises PatternError."""
    parts = _Parser(source, classes).whole()
    together = _in_turn(parts)
    if together.choices:
        return Pattern(_bare(together.choices))
    anchors = max(_runs(parts), key=lambda run: _telling(run, common), default=())
    if not anchors:
        raise PatternError(f"nothing to find this phrase by: {source}")
    return Pattern(_bare(anchors), re.compile(together.regex + "(?= )"))


def _bare(choices: Choices) -> Choices:
    return tuple(choice[1:] for choice in choices if choice)


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, source: str, classes: Mapping[str, str]) -> None:
        self._source = source
        self._classes = classes
        self._tokens: list[str] = _TOKEN.findall(source)
        self._place = 0

    def whole(self) -> list[_Part]:
        parts = self._sequence()
        if self._place < len(self._tokens):
            raise PatternError(f"cannot read phrase: {self._source}")
        return parts

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self) -> str:
        taken = self._next()
        self._place += 1
        return taken

    def _sequence(self) -> list[_Part]:
        parts: list[_Part] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._item())
        if not parts:
            raise PatternError(f"an empty choice in: {self._source}")
        return parts

    def _item(self) -> _Part:
        part = self._atom(self._take())
        if self._next() != "?":
            return part
        self._take()
        return _Part(f"(?:{part.regex})?", ("", *part.choices) if part.choices else ())

    def _atom(self, element: str) -> _Part:
        match element[0], element[1:]:
            case "(", _:
                return self._choice()
            case "<", name:
                return self._class(name[:-1])
            case "~", most:
                return _Part(rf"(?: \S+){{0,{most}}}?")
            case "#", "":
                return _Part(f" {_NUMBER}")
        stem = element.removesuffix("*")
        return _either([_word(stem + ending) for ending in (_ENDINGS if stem != element else ("",))])

    def _choice(self) -> _Part:
        options = [_in_turn(self._sequence())]
        while self._next() == "|":
            self._take()
            options.append(_in_turn(self._sequence()))
        if self._take() != ")":
            raise PatternError(f"an open bracket in: {self._source}")
        return _either(options)

    def _class(self, name: str) -> _Part:
        if name not in self._classes:
            raise PatternError(f"unknown class <{name}> in: {self._source}")
        return _Parser(f"({self._classes[name]})", {}).whole()[0]


def _word(word: str) -> _Part:
    return _Part(f" {re.escape(word)}", (f" {word}",))


def _either(options: list[_Part]) -> _Part:
    """Longer ones first, so that the regex prefers them."""
    regex = "|".join(sorted((option.regex for option in options), key=len, reverse=True))
    choices = [choice for option in options for choice in option.choices]
    return _Part(f"(?:{regex})", tuple(choices) if all(option.choices for option in options) else ())


def _in_turn(parts: list[_Part]) -> _Part:
    regex = "".join(part.regex for part in parts)
    return _Part(regex, _spelled(parts, _MOST_SPELLED))


def _spelled(parts: list[_Part], most: int) -> Choices:
    if not 0 < prod(len(part.choices) for part in parts) <= most:
        return ()
    return tuple("".join(words) for words in product(*(part.choices for part in parts)))


def _runs(parts: list[_Part]) -> Iterator[Choices]:
    """What neighbouring parts can be together, from one that cannot be left out to another."""
    needed = [place for place, part in enumerate(parts) if "" not in part.choices]
    for start, last in combinations_with_replacement(needed, 2):
        yield _spelled(parts[start : last + 1], _MOST_ANCHORS)


def _telling(run: Iterable[str], common: frozenset[str]) -> int:
    """How rarely the least telling of them starts a search for nothing."""
    return min(
        (sum(1 if word in common else 2 + len(word) for word in text.split()) for text in run), default=0
    )
