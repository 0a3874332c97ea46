"""One pass over a canonical view (Aho-Corasick): which patterns are worth a try and where, scenes, concepts."""

from collections.abc import Sequence

import msgspec

from nura_rt.pipeline.crisis.patterns import Pattern
from nura_rt.pipeline.crisis.rules import Rule, RuleBook
from nura_rt.pipeline.cues import Cues

CUES = 20_000  # of patterns in one view: 64 KiB of ordinary talk have two thirds of that
_WORDS = 4000  # of scenes and concepts
Span = tuple[int, int]


class SceneCue(msgspec.Struct, frozen=True):
    """`wide` scenes reach into the sentences around their own; each counts for rules of its own language."""

    language: str
    name: str
    wide: bool


class ConceptCue(msgspec.Struct, frozen=True):
    """`name` with its language: `en:own_body`."""

    name: str
    length: int


_Cue = tuple[tuple[int, ...], tuple[SceneCue, ...], tuple[ConceptCue, ...]]


class Hits(msgspec.Struct, frozen=True):
    """Places are ends of cues in the view, concepts spans; both include the spaces around the words."""

    places: list[tuple[int, tuple[int, ...]]]  # where, and numbers of the patterns it is a cue for
    scenes: list[tuple[int, SceneCue]]
    concepts: dict[str, list[Span]]
    overflown: bool


class Prefilter:
    """Cues of all books; immutable once built."""

    def __init__(self, patterns: Sequence[tuple[Rule, Pattern]], books: Sequence[RuleBook]) -> None:
        self._cues = Cues(_meanings(patterns, books))

    def look(self, view: str) -> Hits:
        """What there is in the view; of very many cues the first ones, and that there are more."""
        places: list[tuple[int, tuple[int, ...]]] = []
        seen: list[tuple[int, SceneCue]] = []
        concepts: dict[str, list[Span]] = {}
        left, words_left = CUES, _WORDS
        for end, (patterns, scenes, words) in self._cues.find(view):
            if patterns and left > 0:
                places.append((end, patterns))
                left -= len(patterns)
            if words_left > 0:
                words_left -= len(scenes) + len(words)
                seen += [(end, scene) for scene in scenes]
                for word in words:
                    concepts.setdefault(word.name, []).append((end - word.length, end))
        return Hits(places, seen, concepts, left <= 0 or words_left <= 0)


def _meanings(patterns: Sequence[tuple[Rule, Pattern]], books: Sequence[RuleBook]) -> dict[str, _Cue]:
    cues: dict[str, tuple[list[int], list[SceneCue], list[ConceptCue]]] = {}

    def at(cue: str) -> tuple[list[int], list[SceneCue], list[ConceptCue]]:
        return cues.setdefault(cue, ([], [], []))

    for number, (_, pattern) in enumerate(patterns):
        for cue in dict.fromkeys(pattern.cues):
            at(cue)[0].append(number)
    for book in books:
        for name, scene in book.lexicon.scenes.items():
            for wide, phrases in ((False, scene.near), (True, scene.wide)):
                for phrase in phrases:
                    at(f" {phrase} ")[1].append(SceneCue(book.language, name, wide))
        for name, phrases in book.concepts.items():
            for phrase in dict.fromkeys(phrases):
                at(f" {phrase} ")[2].append(ConceptCue(f"{book.language}:{name}", len(phrase) + 1))
    return {
        cue: (tuple(places), tuple(scenes), tuple(words)) for cue, (places, scenes, words) in cues.items()
    }
