"""GLiNER's part is played by its documented API: its weights cannot be had offline. The adapter is the real one."""

import sys
from types import ModuleType
from typing import Any

import pytest

from nura_rt.pipeline.detectors.gliner import gliner
from nura_rt.pipeline.detectors.port import DetectorFailed
from nura_rt.pipeline.turn import PiiSpan


class Played:
    """`from_pretrained(folder, local_files_only)` and `predict_entities(text, labels, threshold)` of gliner 0.2."""

    asked: list[dict[str, Any]]

    def __init__(self) -> None:
        self.asked = []

    def from_pretrained(self, folder: str, *, local_files_only: bool) -> "Played":
        self.asked.append({"folder": folder, "local_files_only": local_files_only})
        return self

    def predict_entities(self, text: str, labels: list[str], *, threshold: float) -> list[dict[str, Any]]:
        at = text.find("Ann")
        return (
            [{"start": at, "end": at + 3, "text": "Ann", "label": "person", "score": 0.9}] if at >= 0 else []
        )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    made = Played()
    module = ModuleType("gliner")
    module.GLiNER = made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gliner", module)
    return made


async def test_entities_become_spans_of_our_types_and_nothing_is_downloaded(played: Played) -> None:
    detector = gliner("/models/pii")

    assert await detector.find("it was Ann who said so") == (PiiSpan("PERSON", 7, 10),)
    assert played.asked == [{"folder": "/models/pii", "local_files_only": True}]
    detector.close()


async def test_a_long_text_is_read_to_its_end(played: Played) -> None:
    detector = gliner("/models/pii")
    text = "so it went " * 400 + "and Ann laughed"

    assert await detector.find(text) == (PiiSpan("PERSON", text.index("Ann"), text.index("Ann") + 3),)
    detector.close()


async def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gliner", None)
    detector = gliner("/models/pii")

    with pytest.raises(DetectorFailed, match=r"nura-rt\[gliner\]"):
        await detector.find("it was Ann")
    detector.close()
