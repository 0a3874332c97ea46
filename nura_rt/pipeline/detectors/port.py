"""The port of optional detectors. What they find is added to what the own filter found, and takes nothing away."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from nura_rt.pipeline.turn import PiiSpan

_log = logging.getLogger(__name__)


class DetectorFailed(Exception):
    """It could not be loaded, or did not answer in time; says which one, never what it read."""


class Detector(Protocol):
    """Finds personal data in one text. Slow: tens of milliseconds and more."""

    async def find(self, text: str) -> tuple[PiiSpan, ...]:
        """Spans in order of place, within the text and not empty; they may overlap. Raises DetectorFailed."""

    def close(self) -> None:
        """Lets go of its thread."""


Analyse = Callable[[str], Sequence[PiiSpan]]


class Threaded:
    """A detector over a library: loaded on first use and asked in one thread of its own, so that nobody waits for it.

    A load that failed is tried again with the next text.
    """

    def __init__(self, name: str, load: Callable[[], Analyse], *, within_s: float) -> None:
        """`load` imports the library and returns what analyses a text; `within_s` bounds each answer."""
        self._name = name
        self._load = load
        self._within_s = within_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"pii-{name}")
        self._analyse: Analyse | None = None

    async def find(self, text: str) -> tuple[PiiSpan, ...]:
        """As the port says. An answer that comes too late is thrown away."""
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._find, text)
        except TimeoutError:
            raise DetectorFailed(f"{self._name}: no answer within {self._within_s:g} s") from None
        except ImportError:
            raise DetectorFailed(
                f"{self._name}: not installed; pip install 'nura-rt[{self._name}]'"
            ) from None
        except Exception as error:  # what a library raises may quote the text
            raise DetectorFailed(f"{self._name}: {type(error).__name__}") from None

    def close(self) -> None:
        """As the port says; an answer on its way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _find(self, text: str) -> tuple[PiiSpan, ...]:
        if self._analyse is None:
            self._analyse = self._load()
        found = [span for span in self._analyse(text) if 0 <= span.start < span.end <= len(text)]
        return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def added(own: Sequence[PiiSpan], found: Sequence[PiiSpan]) -> tuple[PiiSpan, ...]:
    """`own` with those of `found` that touch none of them; of two found ones that overlap, the longer."""
    spans = list(own)
    for span in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if not any(span.start < other.end and other.start < span.end for other in spans):
            spans.append(span)
    return tuple(sorted(spans, key=lambda span: span.start))
