"""The listening itself: give back what was said, add one true sentence, ask one open question.

Invariant: at most one question; what cannot be given back surely is met with a general sentence.
"""

from nura_rt.assistant.hearing import Feeling, Heard
from nura_rt.assistant.thread import Thread
from nura_rt.assistant.voice import Voice

_FRAMES = {"now": "mirror_now", "past": "mirror_past", "perfect": "mirror_perfect", "not": "mirror_not"}
_BODILY = ("worry", "anger", "sleep", "tired")  # subjects an exercise may ease
_LITTLE = 6  # words; such a message leaves room for what was said before
_REST_EVERY = 5  # each fifth reply ends without a question


def reflect(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    """A reply to anything that nothing else has answered; never empty."""
    subject = _subject(heard, thread)
    said = _mirrored(heard, voice)
    added = _added(heard, thread, subject, voice) if said else _recalled(heard, thread, voice)
    return [*(said or [_noted(heard, subject, voice)]), *added, *_asked(heard, thread, subject, voice)]


def _subject(heard: Heard, thread: Thread) -> str:
    feeling = heard.feeling
    if feeling and feeling.group == "good":
        return "good"
    if "good_news" in heard.intents and (not feeling or feeling.group == "okay"):
        return "good"
    if heard.topics:
        return heard.topics[0]
    if feeling and feeling.group != "okay":
        return feeling.group
    return "" if feeling else thread.topic


def _mirrored(heard: Heard, voice: Voice) -> list[str]:
    if heard.feeling:
        said = voice.pick(*_wordings(heard.feeling), feel=heard.feeling.phrase, word=heard.feeling.word)
        return [said]
    if heard.clause:
        pools = [heard.wording] if heard.wording == "mirror_asif" else [heard.wording, "mirror_told"]
        if "grief" in heard.topics or "good_news" in heard.intents:
            return [voice.next("mirror_plain", "mirror_told", clause=heard.clause)]
        if any(voice.has_fresh(pool, clause=heard.clause) for pool in pools):
            return [voice.pick(*pools, clause=heard.clause)]
    return []


def _wordings(feeling: Feeling) -> tuple[str, ...]:
    if feeling.group == "shame" and feeling.phrase == feeling.word:
        return ("mirror_harsh", "mirror_now")
    if feeling.group in ("good", "okay") and feeling.frame == "now":
        return ("mirror_good", "mirror_now")
    return (_FRAMES[feeling.frame], "mirror_now")


def _noted(heard: Heard, subject: str, voice: Voice) -> str:
    if heard.short:
        return voice.pick(f"{heard.short}_see", "short_see", "general_see")
    if heard.words > 120:
        return voice.pick("odd_long", "general_see")
    if subject == "good" and "good_news" in heard.intents:
        return voice.pick("news_see", "good_see")
    if heard.topics:
        return voice.pick(f"{subject}_see", "general_see")
    return voice.pick("short_see" if heard.words <= 3 else "general_see", "general_see", "listen")


def _added(heard: Heard, thread: Thread, subject: str, voice: Voice) -> list[str]:
    """One more sentence after a mirrored one: about something said earlier, or about the subject."""
    recalled = _recalled(heard, thread, voice)
    if recalled:
        return recalled
    if subject == "good":
        return [voice.pick("news_see" if "good_news" in heard.intents else "good_see", "listen")]
    feeling = heard.feeling
    if feeling and feeling.group not in ("okay", "good") and voice.has_fresh(f"{feeling.group}_see"):
        return [voice.pick(f"{feeling.group}_see")]
    if subject and voice.has_fresh(f"{subject}_see"):
        return [voice.next("grief_see") if subject == "grief" else voice.pick(f"{subject}_see")]
    return [] if feeling and feeling.group == "okay" else [voice.pick("general_see", "listen")]


def _recalled(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    """A heavy feeling named some turns ago, taken up once more when little new is said."""
    if (
        thread.turn < 2
        or thread.turn % 3 != 2
        or heard.feeling
        or heard.clause
        or "good_news" in heard.intents
    ):
        return []
    for feeling in thread.feelings[:-1] or thread.feelings:
        heavy = feeling.group not in ("good", "shame")
        if heavy and not voice.has_said("callback_feeling", word=feeling.word):
            return [voice.pick("callback_feeling", word=feeling.word)]
    return []


def _asked(heard: Heard, thread: Thread, subject: str, voice: Voice) -> list[str]:
    named = heard.feeling.group if heard.feeling else heard.topics[0] if heard.topics else ""
    if named in _BODILY and thread.turn % 3 == 1 and voice.has_fresh("offer"):
        return [voice.pick("offer")]
    back = _back_to(heard, thread, voice) if subject != "good" else []
    if back:
        return back
    if thread.turn % _REST_EVERY == _REST_EVERY - 1 and voice.has_fresh("listen"):
        return [voice.pick("listen")]
    if heard.short == "unsure":
        return [voice.pick("unsure_ask", "general_ask")]
    own = heard.feeling.group if heard.feeling and heard.feeling.phrase != heard.feeling.word else subject
    pools = [f"{name}_ask" for name in (own, subject) if name and name != "okay"]
    return [voice.pick(*pools, "general_ask")]


def _back_to(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    """When little new is said: a question about someone, or a feeling, named earlier."""
    if heard.feeling or heard.clause or heard.topics or heard.words > _LITTLE:
        return []
    person = _unvisited(thread, voice)
    if person and voice.has_fresh("callback_ask_noun", noun=person):
        return [voice.pick("callback_ask_noun", noun=person)]
    for feeling in thread.feelings if thread.turn > 2 and thread.turn % 3 == 0 else []:
        asked = voice.has_said("callback_ask_feeling", word=feeling.word)
        if feeling.group not in ("good", "shame") and not asked:
            return [voice.pick("callback_ask_feeling", word=feeling.word)]
    return []


def _unvisited(thread: Thread, voice: Voice) -> str:
    """Someone named earlier, not in the last reply, whom no reply has come back to."""
    for name in thread.people:
        if not voice.has_said("callback_ask_noun", noun=name) and not any(name in s for s in thread.last):
            return name
    return ""
