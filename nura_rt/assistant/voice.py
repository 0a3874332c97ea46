"""Chooses the sentences: fresh ones first, and always the same ones for the same prompt."""

import zlib

from nura_rt.assistant.lexicon import Lexicon, fold
from nura_rt.assistant.thread import Thread, sentences


class Voice:
    """Speaks one reply. A sentence comes back only when every one of its pools is used up."""

    def __init__(self, lexicon: Lexicon, thread: Thread, seed: str) -> None:
        self.lexicon = lexicon
        self._thread = thread
        self._seed = zlib.crc32(f"{thread.turn} {seed[:2000]}".encode(errors="replace"))
        self._spoken: set[str] = set()

    def pick(self, *pools: str, **slots: str) -> str:
        """A sentence of the first pool that has a fresh one, else the one used longest ago."""
        for pool in pools:
            fresh = self._fresh(pool, slots)
            if fresh:
                chosen = fresh[(self._seed ^ zlib.crc32(pool.encode())) % len(fresh)]
                return self._speak(chosen)
        known = [filled(template, slots) for pool in pools for template in self.lexicon.say[pool]]
        return self._speak(min(known, key=self._last_used))

    def next(self, *pools: str, **slots: str) -> str:
        """Like `pick`, in the order of the file: for pools whose first sentence must come first."""
        for pool in pools:
            for template in self.lexicon.say[pool]:
                if self._unheard(filled(template, slots)):
                    return self._speak(filled(template, slots))
        return self.pick(*pools, **slots)

    def has_fresh(self, pool: str, **slots: str) -> bool:
        """True while the pool has a sentence this conversation has not heard."""
        return bool(self._fresh(pool, slots))

    def has_said(self, pool: str, **slots: str) -> bool:
        """True when the conversation already holds a sentence of the pool, so filled."""
        return any(fold(filled(t, slots)) in self._thread.used for t in self.lexicon.say[pool])

    def starts_exercise(self, said: str) -> bool:
        """True for the first step of a grounding or breathing exercise."""
        return any(name[-1].isdigit() and steps[0] == said for name, steps in self.lexicon.say.items())

    def step(self, exercise: str, number: int) -> list[str]:
        """The sentences of one step of an exercise."""
        return [self.lexicon.say[exercise][number]]

    def _fresh(self, pool: str, slots: dict[str, str]) -> list[str]:
        templates = self.lexicon.say[pool]
        unheard = [t for t in templates if self._unheard(filled(t, slots))]
        other_shape = [t for t in unheard if not self._thread.said_shape(t)]
        return [filled(template, slots) for template in other_shape or unheard]

    def _unheard(self, sentence: str) -> bool:
        parts = sentences(sentence)
        return not any(part in self._thread.used or part in self._spoken for part in parts)

    def _last_used(self, sentence: str) -> tuple[bool, int]:
        key = fold(sentence)
        return key in self._spoken, self._thread.used.get(key, -1)

    def _speak(self, sentence: str) -> str:
        self._spoken.update(sentences(sentence))
        return sentence


def filled(template: str, slots: dict[str, str]) -> str:
    """The template with its slots; `{Feel}` is `{feel}` with a capital."""
    for name, value in slots.items():
        template = template.replace(f"{{{name}}}", value)
        template = template.replace(f"{{{name.capitalize()}}}", value[:1].upper() + value[1:])
    return template
