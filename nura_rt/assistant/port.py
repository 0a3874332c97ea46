"""What a reply is made from and what makes it; nothing here has seen raw text, only the processed one."""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec


class Said(msgspec.Struct, frozen=True):
    """One message of the conversation; the text is PII-processed and may hold marks like <PERSON_1>."""

    role: Literal["user", "assistant"]
    text: str


class Prompt(msgspec.Struct, frozen=True):
    """Oldest message first; the last one is the person's, and the one to answer."""

    history: tuple[Said, ...]
    level: str  # crisis level of the turn: none, low, moderate, high or critical


class Assistant(Protocol):
    """Something that answers a person.

    `model` is stored with every reply it wrote (`messages.model_used`).
    """

    model: str

    def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Yield the reply as text deltas.

        The deltas joined are the whole reply; it is never empty, and neither is a delta. Odd input (an
        empty history, an unknown level, any characters) is answered, not raised on. The iterator may be
        closed or its task cancelled between any two deltas: nothing then runs on, and what was yielded
        stays valid. Every call is independent, so one instance may serve many conversations at once.
        """
        ...
