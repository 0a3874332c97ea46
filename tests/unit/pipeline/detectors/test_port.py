"""What holds for every detector: bounded, in order, within the text, and silent about what it read."""

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.detectors.port import DetectorFailed, Threaded, added
from nura_rt.pipeline.turn import PiiSpan

SECRET = "my name is Ann"


def detector(analyse: Callable[[str], Sequence[PiiSpan]], within_s: float = 5.0) -> Threaded:
    return Threaded("made-up", lambda: analyse, within_s=within_s)


async def test_spans_come_in_order_and_within_the_text() -> None:
    odd = [
        PiiSpan("A", 4, 6),
        PiiSpan("B", 0, 2),
        PiiSpan("C", 5, 99),
        PiiSpan("D", -1, 2),
        PiiSpan("E", 3, 3),
    ]

    assert await detector(lambda text: odd).find(SECRET) == (PiiSpan("B", 0, 2), PiiSpan("A", 4, 6))


async def test_what_a_library_raises_is_not_quoted() -> None:
    def analyse(text: str) -> Sequence[PiiSpan]:
        raise ValueError(text)

    with pytest.raises(DetectorFailed) as failed:
        await detector(analyse).find(SECRET)

    assert str(failed.value) == "made-up: ValueError"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


async def test_an_answer_that_comes_too_late_is_a_failure() -> None:
    hanging = threading.Event()

    def analyse(text: str) -> Sequence[PiiSpan]:
        hanging.wait(10)
        return ()

    try:
        with pytest.raises(DetectorFailed, match=r"no answer within 0\.01 s"):
            await detector(analyse, within_s=0.01).find(SECRET)
    finally:
        hanging.set()


async def test_a_library_that_is_not_installed_says_how_to_get_it() -> None:
    def load() -> Callable[[str], Sequence[PiiSpan]]:
        raise ModuleNotFoundError("spacy")

    with pytest.raises(DetectorFailed, match=r"made-up: not installed; pip install 'nura-rt\[made-up\]'"):
        await Threaded("made-up", load, within_s=5).find(SECRET)


async def test_it_is_loaded_once_on_first_use_and_again_only_after_a_failure() -> None:
    loads: list[int] = []

    def load() -> Callable[[str], Sequence[PiiSpan]]:
        loads.append(1)
        if len(loads) == 1:
            raise RuntimeError
        return lambda text: ()

    made = Threaded("made-up", load, within_s=5)
    before = len(loads)
    with pytest.raises(DetectorFailed):
        await made.find(SECRET)
    await made.find(SECRET)
    await made.find(SECRET)

    assert (before, len(loads)) == (0, 2)


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda pair: PiiSpan("X", pair[0], sum(pair))),
    max_size=8,
)


@given(spans, spans)
def test_what_is_added_touches_nothing_and_takes_nothing_away(
    own: list[PiiSpan], found: list[PiiSpan]
) -> None:
    kept = added((), own)  # without overlap, as the own filter gives them

    together = added(kept, found)

    assert set(kept) <= set(together)
    assert all(one.end <= other.start for one, other in pairwise(together))
