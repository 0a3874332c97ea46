"""`python profiled.py OUT.json [--alone] serve`: the server under a sampling profiler that costs next to nothing.

SIGUSR2 begins sampling, the next one ends it and writes OUT.json. A sample is taken each few milliseconds of CPU,
wherever Python code goes on next: time in C is counted for the line that called it.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from nura_rt.__main__ import main

_EVERY_S = 0.001
_DEEPEST = 60


class Sampler:
    """Stacks by how often they were seen."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._on = False

    def install(self) -> None:
        """Listens to SIGUSR2 from now on."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR2, self._toggle)

    def _toggle(self, number: int, frame: FrameType | None) -> None:
        self._on = not self._on
        signal.setitimer(signal.ITIMER_PROF, *((_EVERY_S, _EVERY_S) if self._on else (0, 0)))
        if not self._on:
            stacks = [[count, list(stack)] for stack, count in self._seen.most_common()]
            self._out.write_text(json.dumps(stacks))
            self._seen.clear()

    def _sample(self, number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < _DEEPEST:
            code = frame.f_code
            stack.append(f"{code.co_filename}:{code.co_qualname}:{frame.f_lineno}")
            frame = frame.f_back
        self._seen[tuple(stack)] += 1


if __name__ == "__main__":
    out = Path(sys.argv.pop(1))
    if sys.argv[1] == "--alone":
        from peers import without_reply

        sys.argv.pop(1)
        without_reply.leave_replies()
    Sampler(out).install()
    main()
