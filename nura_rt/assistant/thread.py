"""What a conversation already holds: sentences used, feelings and people named, what was asked last.

Invariant: derived from the prompt alone, so the same prompt always gives the same reply.
"""

import functools
import re

from nura_rt.assistant.hearing import Feeling, Heard, recollect, topics_of
from nura_rt.assistant.lexicon import Lexicon, fold
from nura_rt.assistant.port import Said

_LOOK_BACK = 24  # earlier messages of the person that are understood again
_SLOT = re.compile(r"\{\w+\}")


class Thread:
    """The messages before the one to answer."""

    def __init__(self, earlier: tuple[Said, ...], lexicon: Lexicon) -> None:
        replies = [said.text for said in earlier if said.role == "assistant"]
        mine = [said.text for said in earlier if said.role == "user"][-_LOOK_BACK:]
        self.turn = len(replies)
        self.used = {s: i for i, s in enumerate(s for text in replies for s in sentences(text))}
        self.last = sentences(replies[-1]) if replies else []
        self.heard: list[Heard] = [recollect(text, lexicon) for text in mine]
        self._mine = mine
        self._lexicon = lexicon

    @property
    def feelings(self) -> list[Feeling]:
        """Named earlier, each once, oldest first; what was denied is left out."""
        named = (h.feeling for h in self.heard if h.feeling and h.feeling.frame != "not")
        return list({f.word: f for f in named if f.group != "okay"}.values())

    @property
    def people(self) -> list[str]:
        """Named earlier, each once, oldest first."""
        return list(dict.fromkeys(name for h in self.heard for name in h.people))

    @property
    def topic(self) -> str:
        """The subject last spoken of, or empty."""
        for text, heard in zip(reversed(self._mine), reversed(self.heard), strict=True):
            if heard.feeling and heard.feeling.group in ("good", "okay"):
                return ""
            if topics := topics_of(text, self._lexicon):
                return topics[0]
            if heard.feeling:
                return heard.feeling.group
        return ""

    def just_said(self, *pools: str) -> bool:
        """True when the reply before this one holds a sentence of one of the pools."""
        templates = [template for pool in pools for template in self._lexicon.say[pool]]
        return any(fits(template, sentence) for template in templates for sentence in self.last)

    def said_shape(self, template: str) -> bool:
        """True when the conversation holds a sentence of this template, whatever filled it."""
        return any(fits(template, sentence) for sentence in self.used)


def sentences(text: str) -> list[str]:
    """Folded sentences, the form in which repeats are recognised."""
    return [part for part in re.split(r"(?<=[.!?])\s+", fold(text).strip()) if part]


def fits(template: str, sentence: str) -> bool:
    """True when the folded sentence was made from the template; a template of slots alone fits nothing."""
    parts = _parts(template)
    if len(parts) < 2:
        return parts == (sentence,)
    return sentence.startswith(parts[0]) and sentence.endswith(parts[-1])


@functools.cache
def _parts(template: str) -> tuple[str, ...]:
    """What is fixed of it, none when that is too little to tell; templates are ours, and few."""
    parts = tuple(fold(part) for part in _SLOT.split(template))
    return parts if len(parts) == 1 or sum(len(part) for part in parts) >= 6 else ()
