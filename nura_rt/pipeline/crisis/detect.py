"""Tier 1 crisis detection over raw text: prefilter, rules, context, combinations. It only ever adds up."""

from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from nura_rt.pipeline.crisis import rules
from nura_rt.pipeline.crisis.context import ContextReader, Reading
from nura_rt.pipeline.crisis.normalise import Normaliser
from nura_rt.pipeline.crisis.patterns import Pattern
from nura_rt.pipeline.crisis.rules import Rule, RuleBook
from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level, rank

_MATCHES_PER_PATTERN = 8
_UNREAL = frozenset({"fiction", "gaming", "news", "quote", "clinical", "laugh", "trivial"})
_REPORTED = frozenset({"quote", "fiction", "news", "clinical"})


_Cue = tuple[dict[int, None], tuple[str, ...]]  # patterns worth running, scenes it hints at


class _Hits(msgspec.Struct, frozen=True):
    """What the prefilter saw in one view: patterns worth running, scenes with their places."""

    patterns: dict[int, None]
    scenes: list[tuple[int, str]]


class _Finding(msgspec.Struct, frozen=True):
    """An indicator and the words of the view it rests on."""

    start: int
    end: int
    rule: Rule
    indicator: Indicator

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end

    def told_by(self, others: Sequence["_Finding"]) -> bool:
        """Whether a weightier finding rests on the same words, so that this one says nothing new."""
        return any(
            self.overlaps(other.start, other.end) and other.outweighs(self)
            for other in others
            if other is not self
        )

    def outweighs(self, other: "_Finding") -> bool:
        if other.rule.owns != self.rule.owns and "critical" not in (self.rule.level, other.rule.level):
            return self.rule.owns
        return other.rule.level == "low" and rank(self.rule.level) > rank("low")


class CrisisDetector:
    """Compiled rule books of several languages, all tried on every text (people mix languages)."""

    def __init__(self, books: Sequence[RuleBook]) -> None:
        self.version = "+".join(book.version for book in books)
        self._combinations = [mix for book in books for mix in book.combinations]
        self._readers = {book.language: ContextReader(book.lexicon) for book in books}
        self._patterns = [
            (rule, pattern) for book in books for rule in book.rules for pattern in rule.patterns
        ]
        self._prefilter = _prefilter(self._patterns, books)
        self._normaliser = Normaliser(
            {typed: word for book in books for typed, word in book.lexicon.spellings.items()},
            {sign: name for book in books for sign, name in book.lexicon.emoji.items()},
            frozenset(word for book in books for word in book.vocabulary),
        )

    @classmethod
    def load(cls, languages: Iterable[str] = tuple(rules.LANGUAGES)) -> "CrisisDetector":
        """Reads and compiles the package's rule files; raises when one is malformed."""
        return cls([rules.load(language) for language in languages])

    def plain_view(self, text: str) -> str:
        """The canonical text that rules are matched against, for those who review rules."""
        return self._normaliser.views(text).plain

    def detect(self, text: str, recent: Level = "none") -> CrisisResult:
        """Screens one utterance. `recent` is the highest level of the conversation recently."""
        views = self._normaliser.views(text)
        found = self._scan(views.plain)
        if views.raw != views.plain:
            found |= self._scan(views.raw)
        if not found:
            return CrisisResult("none", (), self.version)
        indicators = [*found, *self._combine(found), *self._remember(found, recent)]
        reported = tuple(item for item in indicators if item.level != "none" or item.polarity == "negated")
        level = max((item.level for item in indicators), key=rank)
        return CrisisResult(level, reported, self.version)

    def _scan(self, view: str) -> dict[Indicator, None]:
        hits = self._prefiltered(view)
        if not hits.patterns:
            return {}
        chosen = [self._patterns[place] for place in hits.patterns]
        masked = [
            match.span() for rule, pattern in chosen if rule.mask for match in pattern.regex.finditer(view)
        ]
        found = [
            finding
            for rule, pattern in chosen
            if not rule.mask
            for finding in self._findings(rule, pattern, view, hits.scenes)
            if not any(finding.overlaps(*span) for span in masked)
        ]
        return {finding.indicator: None for finding in found if not finding.told_by(found)}

    def _prefiltered(self, view: str) -> _Hits:
        hits = _Hits({}, [])
        for end, payload in self._prefilter.find(view):
            hits.patterns.update(payload[0])
            for scene in payload[1]:
                hits.scenes.append((end, scene))
        return hits

    def _findings(
        self, rule: Rule, pattern: Pattern, view: str, scenes: list[tuple[int, str]]
    ) -> Iterable[_Finding]:
        for match in islice(pattern.regex.finditer(view), _MATCHES_PER_PATTERN):
            start, end = match.span()
            reading = self._readers[rule.language].read(view, start, end)
            level = _weigh(rule, reading, scenes, start)
            actor = rule.actor or reading.actor
            indicator = Indicator(rule.name, level, rule.id, actor, reading.polarity, reading.time)
            yield _Finding(start, end, rule, indicator)

    def _combine(self, found: Iterable[Indicator]) -> list[Indicator]:
        names = {
            item.name
            for item in found
            if item.actor == "self"
            and item.polarity == "asserted"
            and item.time != "past"
            and item.level != "none"
        }
        return [
            Indicator(mix.name, mix.level, "combine", "self", "asserted", "now")
            for mix in self._combinations
            if mix.all <= names and (not mix.any or not mix.any.isdisjoint(names))
        ]

    def _remember(self, found: Iterable[Indicator], recent: Level) -> list[Indicator]:
        """What the conversation adds: a method question after distress, sudden calm after danger."""
        names = {item.name for item in found if item.polarity == "asserted"}
        added: list[Indicator] = []
        if "method_question" in names and rank(recent) >= rank("low"):
            added.append(Indicator("method_after_distress", "high", "recent", "self", "asserted", "now"))
        if "calm" in names and rank(recent) >= rank("high"):
            added.append(Indicator("sudden_calm", "low", "recent", "self", "asserted", "now"))
        return added


def _weigh(rule: Rule, reading: Reading, scenes: list[tuple[int, str]], start: int) -> Level:
    """The level of one finding in its context: never above the rule's own."""
    around = {name for _, name in scenes}
    reported = any(reading.sentence < place < start and name in _REPORTED for place, name in scenes)
    actor = rule.actor or reading.actor
    levels: list[Level] = [rule.level]
    if reading.polarity == "negated":
        levels.append("low" if actor == "self" and rule.level != "low" else "none")
    if actor == "third_party" and rule.actor is None:
        levels.append("moderate")
    if actor == "other" and rule.actor is None:
        levels.append("low")
    if actor != "self" and around & _REPORTED:
        levels.append("none")
    if reading.time == "past":
        levels.append(rule.past)
    unreal = around & _UNREAL
    if rule.soft and unreal:
        # people laugh off what is done to them; a laugh alone may not hide it
        hidden = unreal == {"laugh"} and rule.actor in ("other", "third_party")
        levels.append("moderate" if hidden else "low")
    if reported or ("laugh" in around and around & {"trivial", "gaming"}):
        levels.append("low")
    return min(levels, key=rank)


def _prefilter(patterns: list[tuple[Rule, Pattern]], books: Sequence[RuleBook]) -> Cues[_Cue]:
    cues: dict[str, tuple[list[int], list[str]]] = {}
    for place, (_, pattern) in enumerate(patterns):
        for cue in pattern.cues:
            cues.setdefault(cue, ([], []))[0].append(place)
    for book in books:
        for scene, words in book.lexicon.scenes.items():
            for word in words:
                cues.setdefault(f" {word} ", ([], []))[1].append(scene)
    return Cues({cue: (dict.fromkeys(places), tuple(scenes)) for cue, (places, scenes) in cues.items()})
