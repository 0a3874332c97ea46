"""Where the concepts of a rule meet: all of them in one sentence, close together, in whatever order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from nura_rt.pipeline.crisis.prefilter import Span
from nura_rt.pipeline.crisis.rules import Rule, RuleBook

_AT_MOST = 40  # places looked at per rule


class Meeting(msgspec.Struct, frozen=True):
    """A rule with the full names of its concepts."""

    rule: Rule
    together: tuple[str, ...]


class Meetings:
    """Rules of all books by their first concept, so that one is looked at only where that was seen."""

    def __init__(self, books: Sequence[RuleBook]) -> None:
        self._by_first: dict[str, list[Meeting]] = {}
        for book in books:
            for rule in book.rules:
                if rule.together:
                    names = tuple(f"{book.language}:{name}" for name in rule.together)
                    self._by_first.setdefault(names[0], []).append(Meeting(rule, names))

    def find(self, view: str, concepts: Mapping[str, list[Span]]) -> Iterator[tuple[Rule, int, int]]:
        """Rules with the words from the first to the last of their concepts."""
        for name in concepts:
            for meeting in self._by_first.get(name, ()):
                if all(other in concepts for other in meeting.together):
                    spans = [concepts[other] for other in meeting.together]
                    for start, end in _places(meeting.rule.within, view, spans):
                        yield meeting.rule, start, end


def _places(within: int, view: str, concepts: Sequence[list[Span]]) -> Iterator[Span]:
    """Each hit of the first concept with the nearest of the others, where that is close enough."""
    done = -1
    for start, end in islice(concepts[0], _AT_MOST):
        if start < done:
            continue
        spans = [(start, end)]
        for other in concepts[1:]:  # words within words cannot be two things at once
            apart = [span for span in other if not _within(span, start, end)]
            spans += [min(apart, key=lambda span: max(span[0] - end, start - span[1]))] if apart else []
        if len(spans) < len(concepts):
            continue
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        if last - first <= within and view.find(" . ", first, last) < 0:
            done = last
            yield first, last


def _within(span: Span, start: int, end: int) -> bool:
    return (start <= span[0] and span[1] <= end) or (span[0] <= start and end <= span[1])


def unmasked(concepts: Mapping[str, list[Span]], masked: Sequence[Span]) -> dict[str, list[Span]]:
    """Without what an idiom covers."""
    left = {
        name: [
            (start, end)
            for start, end in spans
            if not any(start < last - 1 and first < end - 1 for first, last in masked)
        ]
        for name, spans in concepts.items()
    }
    return {name: spans for name, spans in left.items() if spans}


def any_in_sentence(spans: Iterable[Span], first: int, last: int) -> bool:
    """Whether one of them lies in the sentence `[first:last]`."""
    return any(first <= start + 1 and end <= last + 1 for start, end in spans)
