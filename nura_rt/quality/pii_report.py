"""Recall of PII per type (any overlap with a span of the same type counts), and redactions of what is none."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.quality.cases import Case, Span
from nura_rt.quality.shares import Share

_NUMERIC = frozenset({"PHONE", "NUMBER", "ACCOUNT", "NATIONAL_ID", "SSN", "CARD"})


class PiiReport(msgspec.Struct, frozen=True):
    """Per type of the labels; `false`: redactions that touch no label, by their type."""

    found: dict[str, int]
    labelled: dict[str, int]
    false: dict[str, int]
    texts: int

    def recall(self, kind: str) -> Share:
        """Of the labelled values of this type, those that were redacted as such (a number as any number)."""
        return Share(self.found.get(kind, 0), self.labelled.get(kind, 0))

    @property
    def false_per_1000(self) -> float:
        """Redactions that touch no label, per 1,000 texts."""
        return 1000 * sum(self.false.values()) / self.texts if self.texts else 0.0


def measure(pipeline: Pipeline, cases: Sequence[Case]) -> PiiReport:
    """Screens the last turn of every case."""
    found, labelled, false = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        redacted = [
            Span(span.type, span.start, span.end) for span in pipeline.screen(case.turns[-1].text).pii
        ]
        for span in case.spans:
            labelled[span.type] += 1
            found[span.type] += any(
                _overlap(span, other) and _alike(span.type, other.type) for other in redacted
            )
        for other in redacted:
            if not any(_overlap(span, other) for span in case.spans):
                false[other.type] += 1
    return PiiReport(dict(found), dict(labelled), dict(false), len(cases))


def as_text(report: PiiReport) -> str:
    """A table to read."""
    rows = [f"{kind:<18} {report.recall(kind)}" for kind in sorted(report.labelled)]
    false = ", ".join(f"{kind} {n}" for kind, n in sorted(report.false.items())) or "none"
    rows.append(f"false redactions   {report.false_per_1000:.1f} per 1,000 of {report.texts} texts ({false})")
    return "\n".join(rows)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _alike(kind: str, other: str) -> bool:
    return kind == other or (kind in _NUMERIC and other in _NUMERIC)
