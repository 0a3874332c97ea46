"""`make test-autobahn`: the real Autobahn|Testsuite against our transport, with an echo behind it.

The tool lives on Python 2.7 alone. Exit codes: 0 nothing failed, 1 something failed, 2 it could not be run.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from echo_app import echoing

ROOT = Path(__file__).parent.parent.parent
HOME = ROOT / ".autobahn"
AGENT = "nura_rt"
FRAME_BYTES = 20 * 1024 * 1024  # group 9 sends up to 16 MiB; the product itself takes 64 KiB
PLAIN = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
DEFLATE = ("12.*", "13.*")
PASSED = "passed"
KINDS = (PASSED, "non-strict", "informational", "declined", "failed")
# What the tool says of a case -> our column. Every other word is a failure.
COLUMN = {
    "OK": PASSED,
    "NON-STRICT": "non-strict",
    "INFORMATIONAL": "informational",
    "UNIMPLEMENTED": "declined",
}
LATEST = "autobahntestsuite==25.10.1"
MAKER = "virtualenv<20.22"  # the last that can make an environment for Python 2.7


class Unable(Exception):
    """The tool cannot be had here; the text says why."""


def main() -> int:
    """Finds the tool, runs the cases, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"such as 6.* or 7.1.5; by itself {' '.join(PLAIN)}")
    parser.add_argument("--deflate", action="store_true", help="with permessage-deflate on; groups 12 and 13")
    asked = parser.parse_args()
    cases = tuple(asked.cases) or (DEFLATE if asked.deflate else PLAIN)
    try:
        wstest = install()
    except Unable as error:
        sys.stderr.write(f"Autobahn|Testsuite was not run: {error}\n")
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the product's loop
        return show(runner.run(fuzz(wstest, cases, deflate=asked.deflate)))


def install() -> Path:
    """`wstest` in an environment of its own, made once. Raises Unable."""
    wstest = HOME / "python2.7" / "bin" / "wstest"
    if wstest.exists():
        return wstest
    old = next(pythons(), None)
    if old is None:
        raise Unable("no Python 2.7 was found (python2.7 on the PATH, or pyenv install 2.7.18)")
    say(f"making {HOME} with {old} (a minute, once)")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    (HOME / ".gitignore").write_text("*\n", "utf-8")  # nothing in it is ours
    maker = HOME / "maker"
    steps: list[list[str | Path]] = [
        [sys.executable, "-m", "venv", maker],
        [maker / "bin" / "python", "-m", "pip", "install", "-q", MAKER],
        [maker / "bin" / "virtualenv", "-q", "-p", old, HOME / "python2.7"],
        [HOME / "python2.7" / "bin" / "pip", "install", "-q", LATEST],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            wstest.unlink(missing_ok=True)
            raise Unable(f"{' '.join(map(str, step))}\n{done.stdout}{done.stderr}")
    return wstest


def pythons() -> Iterator[str]:
    """Every Python 2.7 that answers as one: from the PATH, then from pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(name) for name in ("python2.7", "python2", "python")]
    kept = sorted((pyenv / "versions").glob("2.7*/bin/python2.7"), reverse=True)
    for candidate in [*named, *map(str, kept)]:
        if candidate is not None and is_old(candidate):
            yield candidate


def is_old(python: str) -> bool:
    """A pyenv shim may stand for a Python that is not switched on."""
    asked = [python, "-c", "import sys; sys.exit(sys.version_info[:2] != (2, 7))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


async def fuzz(wstest: Path, cases: tuple[str, ...], *, deflate: bool) -> dict[str, Any]:
    """Runs the tool against our echo; returns its report: case -> what it says of it."""
    reports = HOME / ("reports-deflate" if deflate else "reports")
    shutil.rmtree(reports, ignore_errors=True)
    options = {"ws_max_size": FRAME_BYTES, "ws_per_message_deflate": deflate}
    async with echoing(**options) as port:
        spec = HOME / "spec.json"
        server = {"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}
        wanted = {"outdir": str(reports), "servers": [server], "cases": cases}
        spec.write_text(json.dumps({**wanted, "exclude-cases": [], "exclude-agent-cases": {}}), "utf-8")
        tool = await asyncio.create_subprocess_exec(
            wstest, "-m", "fuzzingclient", "-s", spec, cwd=HOME, stdout=asyncio.subprocess.DEVNULL
        )
        await tool.wait()
    say(f"the whole report: {reports / 'index.html'}")
    found = json.loads((reports / "index.json").read_text("utf-8"))
    return dict(found[AGENT])


def show(report: dict[str, Any]) -> int:
    """Prints a line per group and one per case that is not plainly passed; returns the exit code."""
    groups: dict[str, Counter[str]] = {}
    remarks = []
    for case in sorted(report, key=lambda name: [int(part) for part in name.split(".")]):
        verdict = judge(report[case])
        groups.setdefault(case.split(".")[0], Counter())[verdict] += 1
        if verdict != PASSED:
            said = f"{report[case]['behavior']}, close {report[case]['behaviorClose']}"
            remarks.append(f"  {case:8} {verdict}: {said}, code {report[case]['remoteCloseCode']}")
    row = "{:>6}" + "{:>15}" * len(KINDS)
    lines = [row.format("group", *KINDS)]
    lines += [row.format(group, *(count[kind] for kind in KINDS)) for group, count in groups.items()]
    total = sum(groups.values(), Counter())
    lines.append(row.format("all", *(total[kind] for kind in KINDS)))
    say("\n".join(lines + remarks))
    return 1 if total["failed"] or not report else 0


def judge(said: dict[str, Any]) -> str:
    """One of KINDS: the worse of what the tool says of the answers and of the close."""
    verdicts = [COLUMN.get(said[part], "failed") for part in ("behavior", "behaviorClose")]
    return max(verdicts, key=KINDS.index)


def say(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
