"""The small language of the rule files, compiled to bounded regexes over canonical text.

`word`, `stem*`, `#` (a number), `<class>`, `(a|b c|<class> d)`, `x?` optional, `!x` not followed by x,
`~3` up to three words of the same clause that do not negate, `~~3` up to three words or commas of the same sentence,
whatever they say, `^` the start of the text. Every pattern has an anchor: a required part whose words are its
Aho-Corasick cues.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

import msgspec

_ELEMENT = re.compile(
    r"(?P<bar>!?)(?P<body>\([^()]*\)|<\w+>|[^\s()<>~?!]+)(?P<optional>\??)(?=\s|$)|(?P<wide>~?)~(?P<gap>\d)(?=\s|$)"
)
_PLAIN = re.compile(r"[\w,.][\w ,.]*\*?|#")
_CLASS = re.compile(r"<(\w+)>")


class PatternError(ValueError):
    """A rule file has a pattern that cannot be compiled."""


class Vocabulary(msgspec.Struct, frozen=True):
    """What patterns of one language may refer to."""

    classes: Mapping[str, tuple[str, ...]]
    common: frozenset[str]  # too frequent to be a cue on their own
    frequent: frozenset[str]  # not too frequent, but others are better
    negators: frozenset[str]  # a narrow gap never skips one


class Pattern:
    """A pattern. It can only match a text that holds one of `cues` (canonical, space-padded) and, for each of
    `needs`, one of its words. Its regex is compiled when it is first needed: most are not in most texts."""

    __slots__ = ("_compiled", "_regex", "cues", "needs", "source", "words")

    def __init__(
        self,
        source: str,
        regex: str,
        cues: tuple[str, ...],
        needs: tuple[frozenset[str], ...],
        words: frozenset[str],
    ) -> None:
        """`words`: every word it can match literally."""
        self.source = source
        self._regex = regex
        self._compiled: re.Pattern[str] | None = None
        self.cues = cues
        self.needs = needs
        self.words = words

    @property
    def regex(self) -> re.Pattern[str]:
        """Bounded; matches from a space to before a space."""
        if self._compiled is None:
            self._compiled = re.compile(self._regex)
        return self._compiled


class _Part(msgspec.Struct, frozen=True):
    phrases: tuple[str, ...]
    optional: bool = False
    barred: bool = False  # must not follow
    gap: int = 0
    wide: bool = False
    start: bool = False  # of the whole text


def expand(phrase: str, classes: Mapping[str, tuple[str, ...]], depth: int = 0) -> list[str]:
    """Every plain phrase that `phrase` with its `<class>` references can stand for."""
    if "<" not in phrase:
        return [phrase]
    if depth > 4:
        raise PatternError(f"classes refer to each other without end: {phrase}")
    names = _CLASS.findall(phrase)
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise PatternError(f"unknown class <{unknown[0]}>")
    pools = [[text for item in classes[name] for text in expand(item, classes, depth + 1)] for name in names]
    pieces = _CLASS.split(phrase)[::2]
    return [
        "".join(piece + fill for piece, fill in zip(pieces, (*fills, ""), strict=True))
        for fills in product(*pools)
    ]


def flat(classes: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same classes without references to one another."""
    return {
        name: tuple(dict.fromkeys(text for item in items for text in expand(item, classes)))
        for name, items in classes.items()
    }


def compile_pattern(source: str, words: Vocabulary) -> Pattern:
    """`source` in the language above; raises PatternError when it is malformed or has no anchor."""
    parts = _parse(source, words)
    negator = "|".join(sorted(map(re.escape, words.negators)))
    gap = rf"(?: (?!(?:{negator}) )\w+)" if words.negators else r"(?: \w+)"
    regex = "".join(_part_regex(part, gap) for part in parts)
    spelled = frozenset(
        word for part in parts for phrase in part.phrases for word in phrase.split() if word.isalpha()
    )
    return Pattern(
        source, regex + "(?= )", _cues(source, parts, words), tuple(sorted(_needs(parts), key=len)), spelled
    )


def _parse(source: str, words: Vocabulary) -> list[_Part]:
    parts: list[_Part] = []
    end = 0
    for match in _ELEMENT.finditer(source):
        if source[end : match.start()].strip():
            break
        end = match.end()
        if match["gap"]:
            parts.append(_Part((), gap=int(match["gap"]), wide=bool(match["wide"])))
            continue
        body = match["body"]
        if body == "^":
            parts.append(_Part((), start=True))
            continue
        choices = body[1:-1].split("|") if body.startswith("(") else [body]
        phrases = {text for choice in choices for text in expand(choice.strip(), words.classes)}
        if not all(_PLAIN.fullmatch(text) for text in phrases):
            raise PatternError(f"cannot read {body} in: {source}")
        longest_first = tuple(sorted(phrases, key=lambda text: (-len(text), text)))
        parts.append(_Part(longest_first, bool(match["optional"]), bool(match["bar"])))
    if source[end:].strip() or not parts:
        raise PatternError(f"cannot read pattern: {source}")
    return parts


def _part_regex(part: _Part, gap: str) -> str:
    if part.start:
        return r"\A"
    if part.wide:
        return rf"(?: (?:\w+|,)){{0,{part.gap}}}?"
    if part.gap:
        return f"{gap}{{0,{part.gap}}}?"
    choices = "|".join(part.phrases).replace(".", r"\.").replace("*", r"\w*").replace("#", r"\d{1,4}")
    if part.barred:
        return f"(?! (?:{choices}) )"
    return f"(?: (?:{choices}))" + ("?" if part.optional else "")


def _needs(parts: list[_Part]) -> Iterator[frozenset[str]]:
    """First words of each required part; a part that begins with a stem or a number says nothing."""
    for part in parts:
        first = [phrase.split()[0] for phrase in part.phrases]
        if first and not part.optional and not part.barred and not any(word[-1] in "*#.," for word in first):
            yield frozenset(first)


def _cues(source: str, parts: list[_Part], words: Vocabulary) -> tuple[str, ...]:
    """Cues of the most telling required part; neighbouring single phrases count as one part."""
    anchors: list[tuple[str, ...]] = []
    run = ""
    for part in [*parts, _Part((), gap=1)]:
        if part.barred or part.start:
            continue
        if len(part.phrases) == 1 and not part.optional and part.phrases[0][-1] not in "*#":
            run = f"{run} {part.phrases[0]}".strip()
            continue
        if run:
            anchors.append((run,))
            run = ""
        if part.phrases and not part.optional:
            anchors.append(part.phrases)
    best = min(anchors, key=lambda phrases: _frequency(phrases, words), default=())
    if not best or _is_common(best, words):
        raise PatternError(f"pattern has no anchor: {source}")
    return tuple(f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} " for phrase in best)


def _is_common(phrases: tuple[str, ...], words: Vocabulary) -> bool:
    """A single common word is not enough to start a search."""
    return any(" " not in text and _share(text, words) > 0.01 for text in phrases)


def _frequency(phrases: tuple[str, ...], words: Vocabulary) -> float:
    """About how often one of `phrases` stands at a place of ordinary talk."""
    return sum(prod(_share(word, words) for word in text.split()) for text in phrases)


def _share(word: str, words: Vocabulary) -> float:
    if word in words.common or word in "#.,":
        return 0.02
    return 0.001 if word in words.frequent else 0.00003
