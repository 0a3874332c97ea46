"""Mood of a text as one number in [-1, 1]: VADER's lexicon and rules with our own words, English and Spanish.

It never gates crisis. One automaton finds every word and phrase that matters; nothing else is looked at.
"""

from nura_rt.pipeline.mood import phrases
from nura_rt.pipeline.mood import text as mood_text
from nura_rt.pipeline.mood.cues import REACH, Found, Kind
from nura_rt.pipeline.mood.rules import in_capitals, in_english, in_spanish, ironically, normal
from nura_rt.pipeline.mood.words import MoodWords

__all__ = ["MoodScorer", "MoodWords"]

_BEFORE_CONTRAST, _AFTER_CONTRAST = 0.5, 1.5
_DARK = -3.0  # what is as dark as this is never turned into something bright: "i don't want to die"
_FAR = 50  # characters: too far for a word to change another, without counting those between
_MODIFIER, _MARK, _PHRASE, _IRONIC, _NO = (kind.value for kind in Kind)
_NOWHERE: frozenset[int] = frozenset()


class MoodScorer:
    """Scores one text at a time; holds no text."""

    def __init__(self, words: MoodWords) -> None:
        self._find = words.cues.find
        self._signs = words.signs
        self._english_marks = words.english_marks

    def score(self, text: str) -> float:
        """Mood in [-1, 1]; 0.0 where nothing says anything."""
        shown, spaced, loud = mood_text.read(text, self._signs)
        found = list(self._find(spaced))
        kinds = 0
        for _, cue in found:
            kinds |= cue.kind
        if kinds & _NO:
            shown, spaced, loud = mood_text.read(text, self._signs, word_by_word=True)
            found = phrases.without_denials(list(self._find(spaced)))
        shouted = mood_text.shouted(shown, spaced) if loud else _NOWHERE
        total = (self._total if kinds > _MODIFIER else _sum)(spaced, found, shouted, kinds)
        return normal(total, shown) if total else 0.0

    def _total(self, spaced: str, found: Found, shouted: frozenset[int], kinds: int) -> float:
        if kinds & _MARK and not self._is_spanish(spaced, found):
            kinds -= _MARK
        ironic = kinds & _IRONIC != 0
        if kinds & _PHRASE and (spans := phrases.spans(spaced, found)):
            found = phrases.instead(found, spans)
            ironic = ironic or any(cue.phrase.ironic for _, _, cue in spans if cue.phrase)
        total = _sum(spaced, found, shouted, kinds)
        return ironically(total) if ironic else total

    def _is_spanish(self, spaced: str, found: Found) -> bool:
        """By function words; English unless Spanish has more of them."""
        spanish = {cue.text for _, cue in found if cue.kind & _MARK}
        return len(spanish) > len(self._english_marks.intersection(spaced.split()))


def _sum(spaced: str, found: Found, shouted: frozenset[int], kinds: int) -> float:
    spanish = kinds & _MARK != 0
    in_context = in_spanish if spanish else in_english
    modifiers: Found = []
    near = -_FAR  # end of the last modifier
    total, weight = 0.0, 1.0
    for end, cue in found:
        sense = cue.spanish if spanish else cue.english
        value = sense.valence
        if value:
            start = end - cue.size
            if shouted and start in shouted:
                value = in_capitals(value)
            if (
                start - near < _FAR
                and spaced.count(" ", near, start) < REACH
                and not (spanish and sense.negates)
            ):
                changed = in_context(value, spaced, start, modifiers)
                value = changed if value > _DARK else min(changed, 0.0)
            total += weight * value
        if sense.modifies:
            modifiers.append((end, cue))
            near = end
            if sense.contrast and weight == 1.0:
                total *= _BEFORE_CONTRAST
                weight = _AFTER_CONTRAST
    return total
