"""What surrounds a finding: who acts, whether it is denied, and when. Works on canonical text only."""

import re

import msgspec

from nura_rt.pipeline.crisis.rules import Lexicon
from nura_rt.pipeline.turn import Actor, Polarity, When

_REACH = 160  # code points looked at on each side
_SUBJECT_WORDS = 9


class Reading(msgspec.Struct, frozen=True):
    """How the words of one finding are meant. Its sentence is `view[first:last]`."""

    actor: Actor
    polarity: Polarity
    time: When
    first: int
    last: int


class ContextReader:
    """Reads the context of findings in one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._past = _any_of(lexicon.past)
        self._now = _any_of(lexicon.now)
        self._future = _any_of(lexicon.future)

    def read(self, view: str, start: int, end: int) -> Reading:
        """The reading of `view[start:end]`; `view` is canonical and space-padded."""
        first = max(view.rfind(" . ", max(0, start - _REACH), start + 1) + 2, start - _REACH, 0)
        last = view.find(" . ", end, end + _REACH)
        last = last if last >= 0 else min(len(view), end + _REACH)
        before = view[first:start].split()
        return Reading(
            actor=self._actor(before, view[start:end].split()),
            polarity="negated" if self._negated(before, view[start:end].split()) else "asserted",
            time=self._time(view[first:last] + " ", start - first),
            first=first,
            last=last,
        )

    def _actor(self, before: list[str], inside: list[str]) -> Actor:
        subjects = self._lexicon.subjects
        if any(subjects.get(word) == "self" or word == "my" for word in inside):
            return "self"
        for word in reversed(before[-_SUBJECT_WORDS:]):
            if word in subjects:
                return subjects[word]
        return "self"

    def _negated(self, before: list[str], inside: list[str]) -> bool:
        lexicon = self._lexicon
        for reach, word in enumerate(reversed(before)):
            if reach >= lexicon.reach or word in (",", '"') or word in lexicon.contrast:
                return False
            if word in lexicon.negators:
                between = [*before[len(before) - reach :], *inside[:1]]
                if reach and between[0] in lexicon.affirming:
                    return False
                crosses = any(lexicon.subjects.get(item) == "self" for item in between)
                return not crosses or not lexicon.thought.isdisjoint(between)
        return False

    def _time(self, sentence: str, at: int) -> When:
        head, tail = sentence[:at], sentence[at:]
        for word in self._lexicon.contrast:
            tail = tail.split(f" {word} ", 1)[0] + " "
            head = " " + head.rsplit(f" {word} ", 1)[-1]
        part = head + tail
        if self._past.search(part) and not self._now.search(part):
            return "past"
        return "future" if self._future.search(part) else "now"


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f" (?:{'|'.join(map(re.escape, phrases))})(?= )")
