"""The offline companion: listens by rules, says what it is, needs no model, no key and no network.

Invariant: `compose` is pure; the same prompt always gives the same reply.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from nura_rt.assistant import answers, exercises, safety
from nura_rt.assistant.hearing import Heard, hear
from nura_rt.assistant.language import guess, unreadable
from nura_rt.assistant.lexicon import LANGUAGES, lexicon
from nura_rt.assistant.port import Assistant, Prompt
from nura_rt.assistant.reflection import reflect
from nura_rt.assistant.thread import Thread
from nura_rt.assistant.voice import Voice

_DELTA = re.compile(r"(?:\S+\s*){1,3}")
_CALM = ("none", "low")
_SERIOUS = ("high", "critical")


class Companion(Assistant):
    """Streams `compose(prompt)`, a few words at a time, `pace_s` seconds between deltas."""

    model = "nura-companion-1"

    def __init__(self, pace_s: float = 0.02) -> None:
        self._pace_s = pace_s
        for language in LANGUAGES:
            lexicon(language)  # read and compiled here, so that the first reply does not wait for it

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """See `Assistant.stream`."""
        for number, delta in enumerate(_DELTA.findall(compose(prompt))):
            if number:
                await asyncio.sleep(self._pace_s)
            yield delta


def compose(prompt: Prompt) -> str:
    """The whole reply: two to four short sentences, at most one of them a question."""
    asked = prompt.history[-1] if prompt.history and prompt.history[-1].role == "user" else None
    text = asked.text if asked else ""
    earlier = prompt.history[:-1] if asked else prompt.history
    mine = [said.text for said in reversed(earlier) if said.role == "user"]
    words = lexicon(guess(said for said in [text, *mine[:6]] if not unreadable(said)))
    thread = Thread(earlier, words)
    voice = Voice(words, thread, text)
    return " ".join(_reply(_level(prompt), hear(text, words), thread, voice))


def _level(prompt: Prompt) -> str:
    """An unknown level is treated as moderate: the safe side."""
    return prompt.level if prompt.level in _CALM + _SERIOUS else "moderate"


def _reply(level: str, heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    serious = safety.answer(level, heard, thread, voice)
    if serious:
        return serious
    for answered in _ANSWERS:
        reply = answered(heard, thread, voice)
        if reply:
            return _introduced(reply, heard, thread, voice)
    return _introduced(reflect(heard, thread, voice), heard, thread, voice)


def _introduced(reply: list[str], heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    """The first reply says what is speaking, after taking up the person's words."""
    if thread.turn or "identity" in heard.intents:
        return reply
    first = 2 if len(reply) == 3 and not voice.starts_exercise(reply[-1]) else 1
    return [*reply[:first], voice.pick("intro"), *reply[first:]]


_ANSWERS = (
    answers.unreadable,
    exercises.asked,
    exercises.carried_on,
    answers.outright,
    answers.courtesies,
    answers.requests,
)
