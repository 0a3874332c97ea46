"""The optional detector by its name; its library is imported on first use."""

from typing import Literal

from nura_rt.pipeline.detectors.gliner import gliner
from nura_rt.pipeline.detectors.port import Detector
from nura_rt.pipeline.detectors.presidio import presidio


def chosen(name: Literal["none", "presidio", "gliner"], model: str | None) -> Detector | None:
    """`model`: spaCy's by name (presidio, may be none), a folder (gliner)."""
    match name:
        case "presidio":
            return presidio(model)
        case "gliner":
            return gliner(model or "")
    return None
