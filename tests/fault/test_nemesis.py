"""Nothing acknowledged is lost, doubled, reordered or shown to the wrong person while everything breaks.

`make test-fault SECONDS=285 SEEDS=1,2,3` is the long run; NURA_FAULT_DIR keeps its histories and dumps.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from ordeal import Outcome, endure

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("NURA_FAULT_SECONDS", "").strip() or 60)
SEEDS = [int(seed) for seed in (os.environ.get("NURA_FAULT_SEEDS", "").strip() or "4").split(",")]


@pytest.fixture
def kept_in() -> Path:
    """Where the history and the dump stay, for another checker to read."""
    given = os.environ.get("NURA_FAULT_DIR", "").strip()
    folder = Path(given).resolve() if given else Path(tempfile.mkdtemp(prefix="nura-fault-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_promise_holds_while_instances_stores_and_networks_fail(
    kept_in: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="nura-", ignore_cleanup_errors=True) as folder:
        outcome = await endure(Path(folder), kept_in, seed=seed, seconds=SECONDS)

    with capsys.disabled():
        sys.stdout.write(told(outcome))
    assert outcome.found == [], f"{len(outcome.found)} broken promises; history and dump are in {kept_in}"


def told(outcome: Outcome) -> str:
    """The figures of a run, a line each."""
    lines = [f"  {name:<18} {value}" for name, value in outcome.summary().items()]
    return "\n" + "\n".join([*lines, *(f"  ! {violation}" for violation in outcome.found[:20])]) + "\n"
