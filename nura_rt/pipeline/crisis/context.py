"""What surrounds a finding: who acts, whether it is denied, and when. Works on canonical text only."""

import re

import msgspec

from nura_rt.pipeline.crisis.rules import Lexicon
from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.turn import Actor, Polarity, When

_REACH = 160  # code points looked at on each side
_SUBJECT_WORDS = 9
_AROUND = 220  # code points before and behind the sentence that can tell of a story
_AGES = r"(?:at|aged|age) 1\d|im [2-9]\d now"
_YEAR = r"(?:19[4-9]\d|20[01]\d|202[0-4])"


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
        said = "|".join([*map(re.escape, lexicon.long_ago), _YEAR, _AGES])
        self._long_ago = re.compile(f" (?:{said})(?= )")
        kinds = {
            "past": lexicon.past,
            "now": lexicon.now,
            "future": lexicon.future,
            "contrast": lexicon.contrast,
        }
        self._tenses = Cues(
            {f" {phrase} ": (kind, len(phrase) + 1) for kind, phrases in kinds.items() for phrase in phrases}
        )

    def read(self, view: str, start: int, end: int) -> Reading:
        """The reading of `view[start:end]`; `view` is canonical and space-padded."""
        stop = view.rfind(" . ", max(0, start - _REACH), start + 1)
        first = stop + 2 if stop >= 0 else max(0, start - _REACH)
        last = view.find(" . ", end, end + _REACH)
        last = last if last >= 0 else min(len(view), end + _REACH)
        before, inside = view[first:start].split(), view[start:end].split()
        time = self._time(f"{view[first:last]} ", start - first)
        if time != "past" and self._is_a_story(view, first, last, [*before[-8:], *inside]):
            time = "past"
        return Reading(
            actor=self._actor(before, inside),
            polarity="negated" if self._negated(before, inside) else "asserted",
            time=time,
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

    def _is_a_story(self, view: str, first: int, last: int, words: list[str]) -> bool:
        """Told in a past tense, with a year long gone or a life since then in the sentences around."""
        if self._lexicon.past_verbs.isdisjoint(words) or not self._lexicon.perfect.isdisjoint(words):
            return False
        around = view[max(0, first - _AROUND) : last + _AROUND]
        told = {kind for _, (kind, _) in self._tenses.find(f"{view[first:last]} ")}
        return "now" not in told and self._long_ago.search(around) is not None

    def _time(self, sentence: str, at: int) -> When:
        """By the words between the nearest contrasts around `at`: `i used to, but now i want to` is about now."""
        begin, end = 0, len(sentence)
        told: list[tuple[int, int, str]] = []
        for last, (kind, length) in self._tenses.find(sentence):
            if kind != "contrast":
                told.append((last - length, last, kind))
            elif last - length >= at:
                end = min(end, last - length + 1)
            elif last <= at:
                begin = last
        tenses = {kind for start, stop, kind in told if begin <= start and stop <= end}
        if "past" in tenses and "now" not in tenses:
            return "past"
        return "future" if "future" in tenses else "now"
