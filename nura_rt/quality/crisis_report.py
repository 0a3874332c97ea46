"""Recall and false alarms of crisis screening per category, with intervals, and who was taken for whom."""

from collections.abc import Iterable, Sequence

import msgspec

from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.pipeline.turn import LEVELS, Level, rank
from nura_rt.quality.cases import Case
from nura_rt.quality.shares import Share
from nura_rt.quality.talks import screen

Outcome = tuple[str, Level, Level]  # category, what it is, what was found
MEASURES = ("recall-moderate", "recall-high", "flagged")


class CrisisReport(msgspec.Struct, frozen=True):
    """What became of each case."""

    outcomes: tuple[Outcome, ...]

    def recall(self, level: Level, categories: Iterable[str] = ()) -> Share:
        """Of the cases of at least `level`, those found to be of at least `level`."""
        found = [got for _, want, got in self._of(categories) if rank(want) >= rank(level)]
        return Share(sum(rank(got) >= rank(level) for got in found), len(found))

    def flagged(self, categories: Iterable[str] = ()) -> Share:
        """Of the benign cases (none, low), those found to be moderate or more: false alarms."""
        found = [got for _, want, got in self._of(categories) if rank(want) < rank("moderate")]
        return Share(sum(rank(got) >= rank("moderate") for got in found), len(found))

    def confusion(self) -> list[list[int]]:
        """Rows: what it is; columns: what was found; both from none to critical."""
        table = [[0] * len(LEVELS) for _ in LEVELS]
        for _, want, got in self.outcomes:
            table[rank(want)][rank(got)] += 1
        return table

    @property
    def categories(self) -> list[str]:
        """In alphabetical order."""
        return sorted({category for category, _, _ in self.outcomes})

    def share(self, measure: str, categories: Iterable[str] = ()) -> Share:
        """One of MEASURES by its name."""
        if measure == "flagged":
            return self.flagged(categories)
        return self.recall("high" if measure == "recall-high" else "moderate", categories)

    def _of(self, categories: Iterable[str]) -> list[Outcome]:
        wanted = set(categories)
        return [outcome for outcome in self.outcomes if not wanted or outcome[0] in wanted]


def measure(pipeline: Pipeline, cases: Sequence[Case]) -> CrisisReport:
    """Screens every case."""
    return CrisisReport(
        tuple((case.category, case.level, screen(pipeline, case.turns).level) for case in cases)
    )


def as_text(report: CrisisReport) -> str:
    """Tables to read: per category, per level, and the confusion matrix."""
    head = f"{'category':<20} {'found >= moderate':>28} {'found >= high':>28} {'false alarms':>28}"
    rows = [head, "-" * len(head)]
    for name in (*report.categories, ""):
        shares = [report.share(measure, [name] if name else ()) for measure in MEASURES]
        rows.append(f"{name or 'all':<20} " + " ".join(f"{share!s:>28}" for share in shares))
    rows += ["", "level             found at least so", *_per_level(report), "", *_confusion(report)]
    return "\n".join(rows)


def _per_level(report: CrisisReport) -> list[str]:
    rows: list[str] = []
    for level in LEVELS[1:]:
        found = [got for _, want, got in report.outcomes if want == level]
        share = Share(sum(rank(got) >= rank(level) for got in found), len(found))
        rows.append(f"{level:<17} {share}")
    return rows


def _confusion(report: CrisisReport) -> list[str]:
    head = f"{'is / was found':<17}" + "".join(f"{level:>10}" for level in LEVELS)
    rows = zip(LEVELS, report.confusion(), strict=True)
    return [head, *(f"{level:<17}" + "".join(f"{n:>10}" for n in row) for level, row in rows)]
