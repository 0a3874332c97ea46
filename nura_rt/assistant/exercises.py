"""Grounding and breathing, one step a reply, carried on from what the last reply said.

Invariant: a request for an exercise is always answered with one.
"""

from nura_rt.assistant.hearing import Heard
from nura_rt.assistant.thread import Thread, sentences
from nura_rt.assistant.voice import Voice

_GROUNDING = ("grounding_1", "grounding_2", "grounding_3", "grounding_4")
_BREATHING = ("breathing_1", "breathing_2", "breathing_3")


def asked(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """An exercise that was asked for, or accepted, or that panic calls for."""
    if thread.just_said("offer") and (heard.short or heard.lead) == "yes":
        return _started(_offered(thread, voice), thread, voice)
    if "panic" in heard.intents:
        chest = [voice.pick("panic_chest")] if "chest" in heard.intents and not _warned(thread, voice) else []
        calm = [voice.pick("panic_see")] if thread.turn or not chest else []
        kind = _BREATHING if "breathing" in heard.intents else _GROUNDING
        return calm + chest + _first(kind, thread, voice)
    if "breathing" in heard.intents:
        return _started(_BREATHING, thread, voice)
    if "grounding" in heard.intents:
        return _started(_GROUNDING, thread, voice)
    return None


def carried_on(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """The next step, when the last reply gave one and the person stays with it."""
    for name in _GROUNDING + _BREATHING:
        steps = voice.lexicon.say[name]
        for number, step in enumerate(steps[:-1]):
            if sentences(step)[0] in thread.last:
                return _next(heard, voice, name, number + 1)
    return None


def _next(heard: Heard, voice: Voice, name: str, number: int) -> list[str] | None:
    if "unable" in heard.intents or heard.short == "no":
        return [voice.pick("exercise_no"), voice.pick("help_ask", "general_ask")]
    moved_on = heard.intents & {"advice", "complaint", "identity", "unclear", "quiet", "goodbye"}
    if moved_on or (heard.feeling and heard.feeling.group not in ("good", "okay")):
        return None
    return voice.step(name, number)


def _started(kind: tuple[str, ...], thread: Thread, voice: Voice) -> list[str]:
    return [voice.pick("exercise_start"), *_first(kind, thread, voice)]


def _first(kind: tuple[str, ...], thread: Thread, voice: Voice) -> list[str]:
    """The first step of an exercise not done yet; when all are, of the one done longest ago."""
    first = {name: sentences(voice.lexicon.say[name][0])[0] for name in kind}
    return voice.step(min(kind, key=lambda name: thread.used.get(first[name], -1)), 0)


def _offered(thread: Thread, voice: Voice) -> tuple[str, ...]:
    offers = voice.lexicon.say["offer"]
    breathing = any(sentences(offers[i])[0] in thread.last for i in (1, 3))
    return _BREATHING if breathing else _GROUNDING


def _warned(thread: Thread, voice: Voice) -> bool:
    return any(thread.said_shape(sentence) for sentence in voice.lexicon.say["panic_chest"])
