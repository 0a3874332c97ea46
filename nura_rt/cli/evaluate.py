"""`nura-rt evaluate crisis|pii FILE...`: how good the screening is on labelled files; exit 1 below a gate."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from nura_rt.cli.errors import UsageError
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.quality import cases, crisis_report, pii_report
from nura_rt.quality.cases import Case, CasesError
from nura_rt.quality.crisis_report import MEASURES, CrisisReport
from nura_rt.quality.pii_report import PiiReport


class Gate(msgspec.Struct, frozen=True):
    """A share that must be reached (recall) or not passed (flagged, false)."""

    measure: str
    of: tuple[str, ...]
    limit: float

    def __str__(self) -> str:
        """As it was given."""
        return f"{self.measure}:{','.join(self.of) or 'all'}={self.limit:g}"


def crisis_gate(text: str) -> Gate:
    """`recall-high:explicit,plan=1.0`, `recall-moderate:all=0.95`, `flagged:all=0.02`."""
    gate = _gate(text)
    if gate.measure not in MEASURES:
        raise argparse.ArgumentTypeError(f"must begin with one of {', '.join(MEASURES)} and a colon")
    return gate


def pii_gate(text: str) -> Gate:
    """`recall:EMAIL,PHONE=0.97`, `false-per-1000:all=5`."""
    gate = _gate(text, at_most=1000)
    if gate.measure not in ("recall", "false-per-1000"):
        raise argparse.ArgumentTypeError("must begin with `recall:` or `false-per-1000:`")
    if gate.measure == "recall" and not gate.of:
        raise argparse.ArgumentTypeError("recall must name the types: recall:EMAIL,PHONE=0.97")
    return gate


def _gate(text: str, at_most: float = 1.0) -> Gate:
    measure, colon, rest = text.partition(":")
    names, equals, limit = rest.partition("=")
    try:
        value = float(limit)
    except ValueError:
        value = -1.0
    if not colon or not equals or not 0.0 <= value <= at_most:
        raise argparse.ArgumentTypeError(
            f"must look like recall:NAME,NAME=0.95, with a number from 0 to {at_most:g}"
        )
    return Gate(measure, () if names == "all" else tuple(names.split(",")), value)


def add_parser(commands: Any) -> None:
    """`evaluate crisis|pii FILE...` with its gates."""
    parser = commands.add_parser("evaluate", help="how good the screening is on labelled files")
    kinds = parser.add_subparsers(dest="what", required=True, metavar="crisis|pii")
    for name, gate, example in (
        (
            "crisis",
            crisis_gate,
            "recall-high:explicit,plan=1.0, recall-moderate:all=0.95 or flagged:all=0.02",
        ),
        ("pii", pii_gate, "recall:EMAIL,PHONE=0.97 or false-per-1000:all=5"),
    ):
        kind = kinds.add_parser(name, help=f"labelled files -> {name} report")
        kind.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="JSON lines of ours, or a JSON list"
        )
        kind.add_argument("--split", help="only cases with this split (dev, test)")
        kind.add_argument(
            "--gate", action="append", default=[], type=gate, metavar="GATE", help=f"exit 1 unless: {example}"
        )
        kind.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    """Prints the report; 1 when a gate is missed."""
    pipeline = Pipeline.load()
    found = _read(options.files, options.split)
    if options.what == "crisis":
        crises = crisis_report.measure(pipeline, found)
        print(msgspec.json.encode(crises).decode() if options.json else crisis_report.as_text(crises))
        missed = {gate: _missed_crisis(crises, gate) for gate in options.gate}
    else:
        redactions = pii_report.measure(pipeline, found)
        print(msgspec.json.encode(redactions).decode() if options.json else pii_report.as_text(redactions))
        missed = {gate: _missed_pii(redactions, gate) for gate in options.gate}
    for gate, why in missed.items():
        print(f"gate {gate}: {why or 'held'}", file=sys.stderr)
    return 1 if any(missed.values()) else 0


def _read(files: Sequence[Path], split: str | None) -> list[Case]:
    found: list[Case] = []
    for path in files:
        try:
            found += cases.read(path)
        except (OSError, CasesError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{path.name}: {why}") from None
    chosen = [case for case in found if split is None or case.split == split]
    if not chosen:
        raise UsageError("FILE: there is no case in it" + (f" with split {split}" if split else ""))
    return chosen


def _missed_crisis(report: CrisisReport, gate: Gate) -> str:
    unknown = set(gate.of) - set(report.categories)
    if unknown:
        raise UsageError(f"--gate {gate}: no case of category {sorted(unknown)[0]}")
    share = report.share(gate.measure, gate.of)
    missed = share.value > gate.limit if gate.measure == "flagged" else share.value < gate.limit
    return f"missed: {share}" if missed else ""


def _missed_pii(report: PiiReport, gate: Gate) -> str:
    if gate.measure == "false-per-1000":
        worse = report.false_per_1000 > gate.limit
        return f"missed: {report.false_per_1000:.1f}" if worse else ""
    for kind in gate.of:
        if not report.labelled.get(kind):
            raise UsageError(f"--gate {gate}: no value of type {kind} is labelled")
    low = [kind for kind in gate.of if report.recall(kind).value < gate.limit]
    return "missed: " + ", ".join(f"{kind} {report.recall(kind)}" for kind in low) if low else ""
