"""Tier 1 crisis detection over raw text: prefilter, rules, context, combinations. It only ever adds up."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from nura_rt.pipeline.crisis import rules
from nura_rt.pipeline.crisis.context import ContextReader, Reading
from nura_rt.pipeline.crisis.meetings import Meetings, any_in_sentence, unmasked
from nura_rt.pipeline.crisis.normalise import Normaliser
from nura_rt.pipeline.crisis.patterns import Pattern
from nura_rt.pipeline.crisis.prefilter import Hits, Prefilter, SceneCue, Span
from nura_rt.pipeline.crisis.rules import Rule, RuleBook
from nura_rt.pipeline.crisis.state import NOTHING_HEARD, ConversationState, own_names
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level, rank

_AROUND = 240  # code points a pattern is tried in, on each side of its cue
_UNREAL = frozenset({"fiction", "gaming", "news", "quote", "clinical", "laugh", "trivial"})
_REPORTED = frozenset({"quote", "fiction", "news", "clinical"})
_NEARBY = 60  # code points before and behind its sentence that can unmake a finding
_WIDE = 200  # code points a wide scene reaches beyond its own sentence
_ASKED = frozenset({"active_ideation", "passive_ideation", "plan", "intent", "self_harm", "self_harm_urge"})
_PART, _NEAR = 500, 280  # a long view is looked at in parts, each with what a pattern can reach around it
_TRIES = 1200  # of patterns in one view; who writes more gets a card for it
_FINDINGS = 200  # looked at in one view
_TOO_MUCH = Indicator("too_much_to_screen", "moderate", "overflow", "self", "asserted", "now")


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
        self._meetings = Meetings(books)
        self._turned = [book.lexicon.turned for book in books]
        self._prefilter = Prefilter(self._patterns, books)
        spellings = {typed: word for book in books for typed, word in book.lexicon.spellings.items()}
        words = frozenset(word for book in books for word in book.vocabulary)
        other = [book for book in books if book.language != "en"]
        foreign = {word for book in other for word in (*book.vocabulary, *book.lexicon.spellings)}
        named = {word for word in words if len(word) > 5}  # rules know them as they are typed: unalive
        self._normaliser = Normaliser(
            spellings,
            {sign: name for book in books for sign, name in book.lexicon.emoji.items()},
            words,
            frozenset((foreign | named) & spellings.keys()),
        )

    @classmethod
    def load(cls, languages: Iterable[str] = rules.LANGUAGES) -> "CrisisDetector":
        """Reads and compiles the package's rule files; raises when one is malformed."""
        return cls([rules.load(language) for language in languages])

    def plain_view(self, text: str) -> str:
        """The canonical text that rules are matched against, for those who review rules."""
        return self._normaliser.views(text).plain

    def detect(self, text: str, state: ConversationState = NOTHING_HEARD) -> CrisisResult:
        """Screens one utterance. `state` is what the conversation said before it."""
        found = self._found(text)
        if not found:
            return CrisisResult("none", (), self.version)
        indicators = [*found, *self._combine(found, state)]
        level = max((item.level for item in indicators), key=rank)
        indicators += _in_the_light_of(state, indicators, level)
        level = max((item.level for item in indicators), key=rank)
        reported = tuple(item for item in indicators if item.level != "none" or item.polarity == "negated")
        return CrisisResult(level, reported, self.version)

    def asks(self, reply: str) -> frozenset[str]:
        """What a reply asks the person about directly, as names of indicators: a yes to it says as much."""
        if "?" not in reply:
            return frozenset()
        words = self._normaliser.typed(reply).split()
        found: set[str] = set()
        for turned in self._turned:
            if not turned.keys().isdisjoint(words):
                own = " ".join(["", *(turned.get(word, word) for word in words), ""])
                found |= {item.name for item in self._scan(own) if item.name in _ASKED}
        return frozenset(found)

    def _found(self, text: str) -> dict[Indicator, None]:
        views = self._normaliser.views(text)
        found = self._scan(views.plain)
        return found | self._scan(views.raw) if views.raw != views.plain else found

    def _scan(self, view: str) -> dict[Indicator, None]:
        hits = self._prefilter.look(view)
        masked: list[Span] = []
        matched: list[tuple[Rule, int, int]] = []
        left = _TRIES
        for number, places in self._worth_a_try(view, hits).items():
            rule, pattern = self._patterns[number]
            spans = _matches(pattern, view, places[: max(0, left)])
            left -= len(places)
            if rule.mask:
                masked += spans
            else:
                matched += [(rule, *span) for span in spans]
        if hits.concepts:
            matched += self._meetings.find(view, unmasked(hits.concepts, masked) if masked else hits.concepts)
        found: list[_Finding] = []
        for rule, start, end in matched[:_FINDINGS]:
            if not any(start < last and first < end for first, last in masked):
                found += self._finding(rule, view, start, end, hits)
        told = {finding.indicator: None for finding in found if not finding.told_by(found)}
        much = hits.overflown or len(matched) > _FINDINGS or left < 0
        return told | {_TOO_MUCH: None} if much else told

    def _worth_a_try(self, view: str, hits: Hits) -> dict[int, list[int]]:
        """Number of a pattern -> where its cues are, if a word of each part it needs is near."""
        tried: dict[int, list[int]] = {}
        useless: set[int] = set()
        part, words = -1, frozenset[str]()
        for end, numbers in hits.places:
            if end // _PART != part:
                part = end // _PART
                words = frozenset(view[max(0, part * _PART - _NEAR) : (part + 1) * _PART + _NEAR].split())
                useless.clear()
            for number in numbers:
                if number in useless:
                    continue
                if any(map(words.isdisjoint, self._patterns[number][1].needs)):
                    useless.add(number)
                else:
                    tried.setdefault(number, []).append(end)
        return tried

    def _finding(self, rule: Rule, view: str, start: int, end: int, hits: Hits) -> Iterator[_Finding]:
        reading = self._readers[rule.language].read(view, start, end)
        for concept in rule.without:
            spans = hits.concepts.get(f"{rule.language}:{concept}", ())
            if any_in_sentence(spans, reading.first - _NEARBY, reading.last + _NEARBY):
                return
        level = _weigh(rule, reading, hits.scenes, start)
        if level == "none" and rule.level != "none" and reading.polarity == "asserted":
            return  # it is about something else
        actor = rule.actor or reading.actor
        indicator = Indicator(rule.name, level, rule.id, actor, reading.polarity, reading.time)
        yield _Finding(start, end, rule, indicator)

    def _combine(self, found: Iterable[Indicator], state: ConversationState) -> list[Indicator]:
        """What the findings mean together, with those of the turns before; at least one has to be new."""
        own = own_names(found)
        if not own:
            return []
        names = own | state.names
        return [
            Indicator(mix.name, mix.level, mix.id, "self", "asserted", "now")
            for mix in self._combinations
            if mix.all <= names
            and (not mix.any or not mix.any.isdisjoint(names))
            and not (mix.all | mix.any).isdisjoint(own)
        ]


def _in_the_light_of(state: ConversationState, found: Sequence[Indicator], level: Level) -> list[Indicator]:
    """What the conversation adds: a method question after distress, calm after danger, one wish after another."""
    names = own_names(found)
    added: list[Indicator] = []
    if "affirmation" in names and state.asked:
        grave = state.asked & {"active_ideation", "plan", "intent", "self_harm"}
        means: Level = "high" if grave else "moderate"
        added.append(Indicator("affirmed", means, "state.affirmed", "self", "asserted", "now"))
    if "method_question" in names and rank(state.recent) >= rank("low"):
        added.append(Indicator("method_after_distress", "high", "state.method", "self", "asserted", "now"))
    if "calm" in names and rank(state.recent) >= rank("high"):
        added.append(Indicator("sudden_calm", "moderate", "state.calm", "self", "asserted", "now"))
    if level == "moderate" and state.times("moderate") >= 1:
        added.append(Indicator("trend", "high", "state.trend", "self", "asserted", "now"))
    return added


def _matches(pattern: Pattern, view: str, places: list[int]) -> list[tuple[int, int]]:
    """Spans of the pattern around the places of its cues, each once."""
    spans: list[tuple[int, int]] = []
    searched = 0
    for place in places:
        if spans and place <= spans[-1][1]:
            continue
        match = pattern.regex.search(view, max(searched, place - _AROUND), place + _AROUND)
        if match:
            spans.append(match.span())
            searched = match.end()
    return spans


def _weigh(rule: Rule, reading: Reading, scenes: Sequence[tuple[int, SceneCue]], start: int) -> Level:
    """The level of one finding in its context: never above the rule's own."""
    around: set[str] = set()
    reported = False
    nearest, farthest = reading.first - _WIDE, reading.last + _WIDE
    for place, scene in scenes[bisect_left(scenes, (nearest,)) : bisect_left(scenes, (farthest,))]:
        if scene.language != rule.language:
            continue
        if reading.first < place <= reading.last + 1:
            around.add(scene.name)
            # "I'm a nurse and I want to die" reports nobody's words but the nurse's own
            own = scene.name == "clinical" and reading.actor == "self"
            reported = reported or (place < start and scene.name in _REPORTED and not own)
        elif scene.wide:
            around.add(scene.name)
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
