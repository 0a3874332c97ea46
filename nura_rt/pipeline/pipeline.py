"""The three stages in order: crisis on raw text, PII, mood. `screen` never raises; each stage has a safe failure."""

from collections.abc import Callable

from nura_rt.pipeline.crisis.detect import CrisisDetector
from nura_rt.pipeline.mood import MoodScorer, MoodWords
from nura_rt.pipeline.names import NameFinder
from nura_rt.pipeline.pii import PiiFilter
from nura_rt.pipeline.turn import CrisisResult, Indicator, Level, PiiSpan, Screened

REDACTED = "<REDACTED>"
_SCREENING_FAILED = Indicator("screening_failed", "moderate", "screening_failed", "self", "asserted", "now")


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
        """Reads the package's rule files and lexicons, about a quarter of a second; raises when one is broken."""
        return cls(
            CrisisDetector.load(), PiiFilter(NameFinder.load()), MoodScorer(MoodWords.load()), on_failure
        )

    def screen(self, text: str, *, recent: Level = "none") -> Screened:
        """One utterance, any text. `recent` is the highest crisis level of the conversation recently."""
        crisis = self._screen_crisis(text, recent)
        pii, processed = self._screen_pii(text)
        return Screened(text, processed, pii, crisis, self._score_mood(text))

    def _screen_crisis(self, text: str, recent: Level) -> CrisisResult:
        try:
            return self._crisis.detect(text, recent)
        except Exception:  # a failed screening must not lose the turn, nor pass it as harmless
            self._on_failure("crisis")
            return CrisisResult("moderate", (_SCREENING_FAILED,), "failed")

    def _screen_pii(self, text: str) -> tuple[tuple[PiiSpan, ...], str]:
        try:
            spans = self._pii.find(text)
            return spans, self._pii.redact(text, spans)
        except Exception:  # fail closed: what could not be checked does not leave the house
            self._on_failure("pii")
            return (), REDACTED

    def _score_mood(self, text: str) -> float:
        try:
            return self._mood.score(text)
        except Exception:
            self._on_failure("mood")
            return 0.0
