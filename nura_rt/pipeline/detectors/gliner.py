"""GLiNER as a detector (extra `gliner`, Apache-2.0): names and addresses by a model that lies in a local folder."""

from collections.abc import Sequence
from typing import Any

from nura_rt.pipeline.detectors.port import Analyse, Threaded
from nura_rt.pipeline.turn import PiiSpan

_WITHIN_S = 60.0  # the first answer loads the model
_SURE = 0.5
# what it is asked for -> what we call it
_LABELS = {
    "person": "PERSON", "email": "EMAIL", "phone number": "PHONE", "street address": "ADDRESS",
    "date of birth": "DATE_OF_BIRTH", "social security number": "SSN", "national id number": "NATIONAL_ID",
    "medical record number": "ACCOUNT", "bank account number": "ACCOUNT", "username": "HANDLE",
}  # fmt: skip
_WINDOW = 1200  # code points: it reads some 380 words and silently drops the rest
_OVERLAP = 200


def gliner(folder: str, *, within_s: float = _WITHIN_S) -> Threaded:
    """`folder` holds a model as `GLiNER.save_pretrained` wrote it. Never downloads anything."""
    return Threaded("gliner", lambda: _load(folder), within_s=within_s)


def _load(folder: str) -> Analyse:
    from gliner import GLiNER  # type: ignore[import-not-found]

    model: Any = GLiNER.from_pretrained(folder, local_files_only=True)

    def analyse(text: str) -> Sequence[PiiSpan]:
        spans: dict[PiiSpan, None] = {}
        for start in range(0, max(1, len(text) - _OVERLAP), _WINDOW - _OVERLAP):
            window = text[start : start + _WINDOW]
            for one in model.predict_entities(window, list(_LABELS), threshold=_SURE):
                spans[PiiSpan(_LABELS[one["label"]], start + one["start"], start + one["end"])] = None
        return list(spans)

    return analyse
