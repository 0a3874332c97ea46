"""The judge is judged: a run that keeps every promise passes, and each broken promise is found and named."""

from pathlib import Path

import history
import pytest
from checker import check
from history import Event, Row
from hypothesis import given, strategies
from mutations import BROKEN, Change
from synthetic import Pretend


@given(strategies.integers(0, 2**32), strategies.integers(0, 200))
def test_a_run_that_keeps_every_promise_passes(seed: int, steps: int) -> None:
    run = Pretend(seed, steps=steps)

    assert check(run.events, run.rows) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("broken", "rule"), BROKEN, ids=[broken.__name__ for broken, _ in BROKEN])
def test_a_broken_promise_is_found(broken: Change, rule: str, seed: int) -> None:
    run = Pretend(seed, steps=150)
    broken(run)

    assert rule in {violation.rule for violation in check(run.events, run.rows)}


def test_what_was_written_reads_as_it_was(tmp_path: Path) -> None:
    run = Pretend(5)
    history.write(tmp_path / "history.jsonl", run.events)
    history.write(tmp_path / "dump.jsonl", run.rows)

    again = history.read(tmp_path / "history.jsonl", Event), history.read(tmp_path / "dump.jsonl", Row)

    assert again == (run.events, run.rows)
