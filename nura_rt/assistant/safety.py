"""Replies when a life may be at risk: serious, direct, with people to call and one plain question.

Invariant: nothing the person wrote is given back here but a feeling word; no method, promise or diagnosis.
"""

from nura_rt.assistant.hearing import Heard
from nura_rt.assistant.thread import Thread
from nura_rt.assistant.voice import Voice

_ASKED_DANGER = ("soft_ask", "ask_danger")  # a yes to these is alarming
_ASKED_SAFE = ("ask_safe",)  # a no to these is
_SEVERE = ("urge", "urge_now", "ask_safe", "ask_danger", "ask_who", "after_safe")


def answer(level: str, heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """None when neither the level, the words nor an open safety question call for it."""
    if level in ("high", "critical"):
        return _severe(level == "critical", heard, thread, voice)
    reply = _to_question(heard, thread, voice)
    if reply:
        return reply
    if level == "moderate" and thread.just_said(*_SEVERE):
        return _severe(False, heard, thread, voice)
    if level == "moderate" or "danger" in heard.intents:
        return _soft(heard, thread, voice)
    if "violence" in heard.intents:
        return _violence(heard, thread, voice)
    if thread.just_said(*_SEVERE) and not heard.intents & {"identity", "grounding", "breathing", "panic"}:
        return [
            *_acknowledged(heard, voice),
            voice.next("trusted", "soft_help"),
            voice.next("safe_open", "ask_safe"),
        ]
    return None


def _severe(critical: bool, heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    urgent = critical and (heard.hurt_now or thread.turn % 2 == 1)
    violence = "violence" in heard.intents
    care = voice.next("violence_see" if violence else "care")
    urge = voice.next("urge_now" if urgent else "violence_act" if violence and thread.turn % 2 else "urge")
    person = voice.next("intro_crisis" if thread.turn == 0 else "trusted")
    return [care, urge, person, voice.next(*_question(heard, thread))]


def _question(heard: Heard, thread: Thread) -> tuple[str, ...]:
    if "violence" in heard.intents:
        return ("violence_ask", "ask_safe") if thread.turn else ("ask_safe", "violence_ask")
    if heard.hurt_now:
        return ("ask_who", "ask_safe")
    if thread.just_said("ask_safe"):
        return ("ask_danger", "ask_who", "ask_safe")
    if thread.just_said("ask_danger", "soft_ask"):
        return ("ask_who", "ask_safe", "ask_danger")
    return ("ask_safe", "ask_danger", "ask_who")


def _soft(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    if "violence" in heard.intents:
        return _violence(heard, thread, voice)
    asked_before = thread.just_said(*_ASKED_DANGER)
    ask = voice.next("soft_open", "safe_open") if asked_before else voice.next("soft_ask", "safe_open")
    return [
        *_felt(heard, voice),
        voice.next("soft_care", "care"),
        *_intro(thread, voice),
        voice.next("soft_help"),
        ask,
    ][-4:]


def _violence(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    ask = voice.next("violence_ask", "safe_open")
    return [
        voice.next("violence_see", "soft_care"),
        *_intro(thread, voice),
        voice.next("violence_act", "trusted"),
        ask,
    ]


def _to_question(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """The answer to a safety question: "yes" and "no" mean what was asked."""
    said = heard.short or heard.lead
    if not said or not thread.just_said(*_ASKED_DANGER, *_ASKED_SAFE):
        return None
    if thread.just_said(*_ASKED_SAFE):
        if said != "yes":
            return _severe(False, heard, thread, voice)
        return [voice.next("after_safe"), voice.next("trusted"), voice.next("safe_open", "ask_who")]
    if said == "yes":
        return _severe(False, heard, thread, voice)
    if said == "unsure":
        return _soft(heard, thread, voice)
    return [voice.next("soft_no"), voice.next("soft_help"), voice.next("soft_open", "safe_open")]


def _acknowledged(heard: Heard, voice: Voice) -> list[str]:
    return _felt(heard, voice) or [voice.next("short_see", "yes_see")]


def _felt(heard: Heard, voice: Voice) -> list[str]:
    feeling = heard.feeling
    if not feeling or feeling.group == "shame" or feeling.frame == "not":
        return []
    pool = "mirror_good" if feeling.group in ("good", "okay") else "mirror_now"
    return [voice.pick(pool, "mirror_now", feel=feeling.word)]


def _intro(thread: Thread, voice: Voice) -> list[str]:
    return [voice.next("intro")] if thread.turn == 0 else []
