"""The three stages in order: crisis on raw text, PII, mood. `screen` never raises; each stage has a safe failure."""

from collections.abc import Callable, Sequence

import msgspec

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.crisis.state import NOTHING_HEARD, ConversationState
from nura_rt.pipeline.mood.score import MoodScorer
from nura_rt.pipeline.mood.words import MoodWords
from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.placeholders import Placeholders, unnumbered
from nura_rt.pipeline.turn import CrisisResult, Indicator, PiiSpan, Screened

REDACTED = "<REDACTED>"
_SCREENING_FAILED = Indicator("screening_failed", "moderate", "screening_failed", "self", "asserted", "now")


class Before(msgspec.Struct, frozen=True):
    """What is known before a turn: what its conversation said, names of its person, the placeholders so far.

    Without placeholders what is personal is replaced by its type alone.
    """

    state: ConversationState = NOTHING_HEARD
    names: KnownNames | None = None
    placeholders: Placeholders | None = None


def _ignore(stage: str) -> None:
    """Nobody counts failures."""


class Pipeline:
    """Screens utterances. Pure after construction; may be shared by threads.

    `on_failure` is told the name of a stage that failed ("crisis", "pii", "mood"), never what it read.
    """

    def __init__(
        self,
        crisis: CrisisDetector,
        pii: PiiFilter,
        mood: MoodScorer,
        on_failure: Callable[[str], None] = _ignore,
    ) -> None:
        self._crisis = crisis
        self._pii = pii
        self._mood = mood
        self._on_failure = on_failure

    @classmethod
    def load(cls, on_failure: Callable[[str], None] = _ignore) -> "Pipeline":
        """Reads the package's rule files and lexicons, a second or two; raises when one is broken."""
        return cls(CrisisDetector.load(), PiiFilter.load(), MoodScorer(MoodWords.load()), on_failure)

    def screen(self, text: str, before: Before | None = None) -> Screened:
        """One utterance, any text. Without `before` it stands alone, with placeholders of its own."""
        before = before or Before(placeholders=Placeholders())
        crisis = self._screen_crisis(text, before.state)
        pii, processed, grown = self._screen_pii(text, before)
        return Screened(text, processed, pii, crisis, self._score_mood(text), grown)

    def asks(self, reply: str) -> frozenset[str]:
        """What a reply asks the person about directly: a yes to it says as much."""
        try:
            return self._crisis.asks(reply)
        except Exception:
            self._on_failure("crisis")
            return frozenset()

    def redact(self, text: str, spans: Sequence[PiiSpan]) -> str:
        """`text` with these spans replaced, numbered for this text alone; they must not overlap."""
        return self._pii.redact(text, tuple(spans))

    def _screen_crisis(self, text: str, state: ConversationState) -> CrisisResult:
        try:
            return self._crisis.detect(text, state)
        except Exception:  # a failed screening must not lose the turn, nor pass it as harmless
            self._on_failure("crisis")
            return CrisisResult("moderate", (_SCREENING_FAILED,), "failed")

    def _screen_pii(self, text: str, before: Before) -> tuple[tuple[PiiSpan, ...], str, Placeholders | None]:
        """The spans, the processed text, and the placeholders if new ones are among them."""
        try:
            spans = self._pii.find(text, before.names)
            if not spans:
                return (), self._pii.redact(text, ()), None
            if before.placeholders is None:
                return spans, unnumbered(self._pii.redact(text, spans)), None
            grown = before.placeholders.copy()
            processed = self._pii.redact(text, spans, grown)
            return spans, processed, grown if len(grown) > len(before.placeholders) else None
        except Exception:  # fail closed: what could not be checked does not leave the house
            self._on_failure("pii")
            return (), REDACTED, None

    def _score_mood(self, text: str) -> float:
        try:
            return self._mood.score(text)
        except Exception:
            self._on_failure("mood")
            return 0.0
