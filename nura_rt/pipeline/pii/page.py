"""One text while it is being read: what a rule found is blanked out, so that no later rule reads it twice."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nura_rt.pipeline.pii.fold import FILLER

UNREAD = "NUMBER"  # the type of a rest that nobody looked at
# Four digits with little between them, and the signs around that may belong to the same number.
_DIGITS = re.compile(r"\d(?:[^\d\n]{0,3}\d){3,}")
_AROUND = 14
# A year or a date alone, which no rule asks a zone for.
_PLAIN = re.compile(
    r"(?<!\w)(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{2}(?:\d{2})?|(?:19|20)\d{2})(?!\w)"
)


class Found(NamedTuple):
    """A value of `type` from `start` to `end` of the page's text."""

    type: str
    start: int
    end: int


class Page:
    """`text` as folded; `lower` the same in lower case, `accented` with its accents, sign for sign.

    `whole` is `lower` before anything was blanked out, `kinds` where cues stand, by kind: (start, end). `zones`
    are the parts where four digits stand close together: numbers worth looking at lie in one of them.
    """

    def __init__(
        self,
        text: str,
        lower: str,
        accented: str,
        cues: dict[str, list[tuple[int, int]]],
        *,
        has_digits: bool,
    ) -> None:
        self.text = text
        self.lower = lower
        self.accented = accented
        self.whole = lower
        self.found: list[Found] = []
        self.has_digits = has_digits
        self.kinds = cues
        self.zones = list(_zones(lower)) if has_digits else []

    @property
    def shouts(self) -> bool:
        """Whether all of it is in capital letters."""
        return self.text.isupper()

    def cues(self, kind: str) -> list[tuple[int, int]]:
        """Where cues of `kind` stand, in order; those inside a found value are left out."""
        places = self.kinds.get(kind, [])
        if not self.found:
            return places
        here = len(self.lower)
        return [place for place in places if place[1] <= here and self.lower[place[0]] != FILLER]

    def close_from(self, place: int) -> None:
        """Takes everything from `place` on as found, unread: the page ends there."""
        self.found.append(Found(UNREAD, place, len(self.text)))
        self.text, self.lower = self.text[:place], self.lower[:place]
        self.zones = [(start, min(end, place)) for start, end in self.zones if start < place]

    def take(self, found: Iterable[Found]) -> None:
        """Keeps what a rule found and blanks it out."""
        values = list(found)
        if not values:
            return
        spans = joined(values)
        self.found += spans
        self.text, self.lower = _blank(self.text, spans), _blank(self.lower, spans)


def joined(found: Iterable[Found]) -> list[Found]:
    """In order of place; what overlaps becomes one value with the type of the longer part."""
    spans: list[Found] = []
    for item in sorted(found, key=lambda item: (item.start, -item.end)):
        if spans and item.start < spans[-1].end:
            last = spans[-1]
            longer = item if item.end - item.start > last.end - last.start else last
            spans[-1] = Found(longer.type, last.start, max(item.end, last.end))
        else:
            spans.append(item)
    return spans


def _zones(lower: str) -> Iterator[tuple[int, int]]:
    last = (0, 0)
    for match in _DIGITS.finditer(lower):
        plain = _PLAIN.match(lower, match.start())
        if plain and plain.end() == match.end():
            continue
        start, end = max(0, match.start() - _AROUND), match.end() + _AROUND
        if start <= last[1]:
            last = (last[0], end)
            continue
        if last[1]:
            yield last
        last = (start, end)
    if last[1]:
        yield last


def _blank(text: str, spans: list[Found]) -> str:
    parts, at = [], 0
    for _, start, end in spans:
        parts += [text[at:start], FILLER * (end - start)]
        at = end
    return "".join([*parts, text[at:]])
