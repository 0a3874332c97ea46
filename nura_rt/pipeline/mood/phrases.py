"""Phrases among the cues of a text: which ones stand, and what they cover."""

from itertools import islice
from re import Pattern

import msgspec

from nura_rt.pipeline.mood.cues import Cue, Found, Kind, Phrase, Sense

_MOST_TRIED = 40  # patterns tried on one text: bounds the time for a text that holds everything
_IS_PHRASE = Kind.PHRASE.value


Span = tuple[int, int, Cue]  # a phrase: from the space before it to the one behind it

_NEVER = 1 << 62
_NO_MORE: Span = (_NEVER, _NEVER, Cue("", 0, 0, Sense(), Sense()))


def spans(spaced: str, found: Found) -> list[Span]:
    """The phrases, leftmost and longest first, none over another."""
    met: list[Span] = []
    tried: dict[Pattern[str], Phrase] = {}
    for end, cue in found:
        if cue.kind & _IS_PHRASE:
            if cue.phrase is not None:
                met.append((end - cue.size, end, cue))
            if cue.patterns:
                tried.update(cue.patterns)
    for pattern, phrase in islice(tried.items(), _MOST_TRIED):
        met += [_matched(match.start(), match.end(), phrase) for match in pattern.finditer(spaced)]
    return _apart(met) if len(met) > 1 else met


def instead(found: Found, said: list[Span]) -> Found:
    """The phrases, and the cues they do not cover. A modifier at the end of one, but `no`, goes on changing what
    follows: "ten days without ..."."""
    result: Found = []
    waiting = [*reversed(said)]
    last, (start, stop, phrase) = _NO_MORE, waiting.pop()
    for end, cue in found:
        while stop <= end:
            result.append((stop, phrase))
            last = start, stop, phrase
            start, stop, phrase = waiting.pop() if waiting else _NO_MORE
        begin = end - cue.size
        if end == last[1] and begin >= last[0]:
            if cue is not last[2] and cue.text != "no" and (cue.english.modifies or cue.spanish.modifies):
                result.append((end, _modifier(cue)))
        elif begin < start and cue.phrase is None:
            result.append((end, cue))
    return (
        result
        if stop == _NEVER
        else [*result, (stop, phrase), *((one[1], one[2]) for one in reversed(waiting))]
    )


def without_denials(found: Found) -> Found:
    """`no` right before a word with a valence turns that word, and says nothing itself."""
    valued = {end - cue.size for end, cue in found if cue.english.valence}
    return [(end, _modifier(cue) if cue.text == "no" and end in valued else cue) for end, cue in found]


def _matched(start: int, end: int, phrase: Phrase) -> Span:
    sense = Sense(phrase.valence)
    return (start, end, Cue(phrase.source, end - start, 0, sense, sense, phrase))


def _modifier(cue: Cue) -> Cue:
    """Without a valence of its own."""
    english, spanish = (msgspec.structs.replace(sense, valence=0.0) for sense in (cue.english, cue.spanish))
    return msgspec.structs.replace(cue, english=english, spanish=spanish)


def _apart(met: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(met, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
