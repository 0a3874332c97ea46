"""Replies to what is said outright: greetings, thanks, questions to the companion, yes and no.

Invariant: the order of `_OUTRIGHT` is the order of importance; the first that fits speaks.
"""

from collections.abc import Callable

from nura_rt.assistant.hearing import Heard
from nura_rt.assistant.thread import Thread
from nura_rt.assistant.voice import Voice

Answer = Callable[[Heard, Thread, Voice], list[str]]
# intent, and how many words the message may have for it to be what the message is about
_OUTRIGHT = (
    ("identity", 40),
    ("complaint", 30),
    ("medicine", 60),
    ("diagnosis", 60),
    ("person_wanted", 60),
    ("privacy", 60),
    ("remember", 30),
    ("how_are_you", 8),
    ("unclear", 10),
    ("quiet", 40),
)
_LISTS_AT_MOST = 4


def outright(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """The answer to the first outright intent, or None."""
    for intent, at_most in _OUTRIGHT:
        if intent in heard.intents and heard.words <= at_most:
            return _SPECIAL.get(intent, _plain(intent))(heard, thread, voice)
    return None


def courtesies(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """Goodbye, thanks and greetings, when the message is little else."""
    says_more = bool(heard.feeling or heard.clause)
    if "goodbye" in heard.intents and heard.words <= 10:
        return _goodbye(heard, thread, voice)
    if "thanks" in heard.intents and heard.words <= 9 and not says_more:
        return [voice.pick("thanks_see"), voice.pick("thanks_ask", "general_ask")]
    if "greeting" in heard.intents and heard.words <= 5 and not (says_more or heard.topics):
        return [voice.next("greeting_see", "short_see"), voice.pick("greeting_ask", "general_ask")]
    return None


def unreadable(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """What cannot be read gets an honest line and an easy question."""
    if not heard.odd:
        return None
    pool = f"odd_{heard.odd}"
    if heard.odd == "script" and not voice.has_fresh(pool):
        return [voice.pick("listen"), voice.pick("general_ask")]
    return [
        voice.pick(pool, "short_see", "general_see"),
        voice.pick("unclear_ask", "greeting_ask", "general_ask"),
    ]


def requests(heard: Heard, thread: Thread, voice: Voice) -> list[str] | None:
    """Advice, help and questions that no rule knows."""
    if heard.feeling and heard.feeling.phrase.count(" ") > 1:
        return None
    for intent, pools in _REQUESTS.items():
        if intent in heard.intents and heard.words <= 30:
            see, ask = pools
            if intent == "question" and (heard.topics or heard.clause):
                return None
            return [voice.pick(see, "general_see"), voice.next(ask, "general_ask")]
    return None


def listed(thread: Thread, voice: Voice) -> str:
    """What the person has named so far, in their words: "feeling lonely, your sister and your job"."""
    signs = voice.lexicon.signs
    feelings = [
        signs.feeling_item.format(feeling.word) for feeling in thread.feelings if feeling.group != "shame"
    ]
    items = (feelings[-2:] + thread.people)[:_LISTS_AT_MOST]
    return signs.list_and.join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def _plain(intent: str) -> Answer:
    def answered(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
        return [
            voice.pick(f"{intent}_see", "short_see", "general_see"),
            voice.pick(f"{intent}_ask", "general_ask"),
        ]

    return answered


def _identity(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    return [
        voice.pick("identity_see"),
        voice.pick("identity_more", "listen"),
        voice.pick("identity_ask", "general_ask"),
    ]


def _remember(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    items = listed(thread, voice)
    if not items:
        return [voice.pick("remember_none", "short_see"), voice.pick("help_ask", "general_ask")]
    return [voice.pick("remember_some", list=items), voice.next("remember_ask", "general_ask")]


def _quiet(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    return [voice.pick("quiet_see", "yes_see"), voice.pick("quiet_listen", "listen")]


def _goodbye(heard: Heard, thread: Thread, voice: Voice) -> list[str]:
    items = listed(thread, voice)
    recall = (
        [voice.pick("goodbye_recall", list=items)]
        if items and voice.has_fresh("goodbye_recall", list=items)
        else []
    )
    return [*recall, voice.pick("goodbye_see", "yes_see"), voice.pick("goodbye_more", "listen")]


_SPECIAL: dict[str, Answer] = {"identity": _identity, "remember": _remember, "quiet": _quiet}
_REQUESTS = {
    "advice": ("advice_see", "advice_ask"),
    "help": ("help_see", "help_ask"),
    "why": ("why_see", "general_ask"),
    "question": ("question_see", "question_ask"),
}
