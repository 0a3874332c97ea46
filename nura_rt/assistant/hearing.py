"""What one message says, as far as simple rules can tell: intents, topics, a feeling, a fact, people.

Invariant: pure and bounded; only the first and last `_AT_MOST` characters are looked at, whatever came in.
"""

import functools
import re

import msgspec

from nura_rt.assistant.language import unreadable
from nura_rt.assistant.lexicon import ANSWERS, Lexicon, fold
from nura_rt.assistant.mirror import mirrored

_AT_MOST = 800
_BARE = 4  # words
# a message with one of these is not given back at all, however far away it stands
_UNSPEAKABLE = re.compile(r"[<\[][A-Z][A-Z_]*\d*[>\]]|<[A-Z_]+|https?:|www\.|\S@\S", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?;:\n…]+[.!?;:\n…]*")
_LETTER = re.compile(r"[^\W\d_]")
_SAD, _HAPPY = "😢😭😔😞😟😥😿💔☹🙁😓😣😖😩😫🥺", "😀😃😄😁😊🙂🥰😍❤🎉😌🤗☺💛💚💙"
_NEVER_STATED = frozenset({"danger", "violence"})


class Feeling(msgspec.Struct, frozen=True):
    """A feeling the person named: `word` is theirs, `phrase` may add how much and since when."""

    word: str
    phrase: str
    group: str
    frame: str  # now, past, perfect or not


class Heard(msgspec.Struct, frozen=True):
    """One message, understood. Everything in it is safe to give back."""

    intents: frozenset[str] = frozenset()
    topics: tuple[str, ...] = ()
    feeling: Feeling | None = None
    clause: str | None = None
    wording: str = "mirror_clause"  # the pool that fits the clause
    people: tuple[str, ...] = ()  # "your sister", "your exam"
    short: str = ""  # unsure, no or yes, when the message is hardly more
    lead: str = ""  # the same, when the message only starts that way
    odd: str = ""  # nothing, sad, happy, script
    words: int = 0
    hurt_now: bool = False


def hear(text: str, lexicon: Lexicon) -> Heard:
    """Never raises; a message without a readable word has only `odd` set."""
    words = len(text.split())
    seen = text if len(text) <= 2 * _AT_MOST else f"{text[:_AT_MOST]} . {text[-_AT_MOST:]}"
    odd = _odd(seen, lexicon)
    folded = _flat(seen)
    if odd in ("nothing", "sad", "happy"):
        return Heard(odd=odd, words=words)
    intents = frozenset(
        name for name, sign in lexicon.intents.items() if name not in ANSWERS and sign.search(folded)
    )
    plain = " ".join(re.sub(r"[^\w' ]", " ", folded).split())
    echo = not _UNSPEAKABLE.search(seen)
    feeling, topics = _feeling(seen, lexicon, echo=echo), _topics(folded, lexicon)
    short = "" if feeling and feeling.phrase != feeling.word else _short(plain, lexicon)
    states = echo and not short and "shame" not in topics and not intents & _NEVER_STATED
    clause, wording = _clause(seen, lexicon) if states else (None, "mirror_clause")
    return Heard(
        intents=intents,
        topics=topics,
        feeling=feeling,
        clause=clause,
        wording=wording,
        people=_people(folded, lexicon),
        short=short,
        lead=_lead(plain, lexicon),
        odd=odd,
        words=words,
        hurt_now=bool(lexicon.hurt_now.search(folded)),
    )


def recollect(text: str, lexicon: Lexicon) -> Heard:
    """Only what is taken up again later: a feeling and people. Cheaper than `hear`; for topics see `topics_of`."""
    if _is_bare(text):
        return Heard()
    seen = text[: _AT_MOST // 2]
    return Heard(feeling=_feeling(seen, lexicon, echo=False), people=_people(_flat(seen), lexicon))


def topics_of(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The topics of an earlier message, the most frequent first."""
    return () if _is_bare(text) else _topics(_flat(text[: _AT_MOST // 2]), lexicon)


def _is_bare(text: str) -> bool:
    return len(_LETTER.findall(text[:200])) < 2


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", fold(text)).strip()


def _odd(text: str, lexicon: Lexicon) -> str:
    letters = _LETTER.findall(text[:200])
    if len(letters) < 2 and fold(text.strip()) not in ("y", "n", "k"):
        if any(char in _SAD for char in text):
            return "sad"
        return "happy" if any(char in _HAPPY for char in text) else "nothing"
    return "script" if unreadable(text) else ""


def _topics(folded: str, lexicon: Lexicon) -> tuple[str, ...]:
    counts = {name: len(sign.findall(folded)) for name, sign in lexicon.topics.items()}
    return tuple(sorted((name for name, n in counts.items() if n), key=lambda name: -counts[name]))


def _short(plain: str, lexicon: Lexicon) -> str:
    if len(plain) > 40:
        return ""
    for name, sign in lexicon.one_answer.items():
        if sign.fullmatch(plain):
            return name
    return _lead(plain, lexicon) if lexicon.answers.fullmatch(plain) else ""


def _lead(plain: str, lexicon: Lexicon) -> str:
    found = (
        name for name in ANSWERS if (hit := lexicon.intents[name].search(plain[:60])) and hit.start() == 0
    )
    return next(found, "")


def _feeling(text: str, lexicon: Lexicon, *, echo: bool) -> Feeling | None:
    flat = re.sub(r"\s", " ", text)
    folded = fold(flat)
    found = [m for m in lexicon.feeling.finditer(folded)]
    framed = [m for m in found if _frame(m, lexicon)]
    # without "I feel" it counts only as the start of a very short message: "so tired"
    chosen = framed or [m for m in found if m.start("said") == 0 and len(folded.split()) <= _BARE]
    for match in chosen:
        group = lexicon.feeling_group[match["word"]]
        if group == "okay" and not framed and len(folded.split()) == 1:
            continue
        negated = bool(match["negated"] or match["not"])
        if negated and group not in ("good", "okay"):
            continue
        said = flat[match.start("said") : match.end("said")].lower()
        tail = _tail(flat[match.end() :], lexicon) if echo else ""
        if negated:
            said = said if match["not"] else lexicon.signs.not_word.format(said)
            return Feeling(match["word"], said + tail, "low", "not")
        word = flat[match.start("word") : match.end("word")].lower()
        return Feeling(word, said + tail, group, _frame(match, lexicon) or "now")
    return None


def _frame(match: re.Match[str], lexicon: Lexicon) -> str:
    if match["negated"]:
        return "not"
    return next((name for name in lexicon.signs.frames if match[name]), "")


def _tail(rest: str, lexicon: Lexicon) -> str:
    """What follows the feeling ("since mum left"), with a leading blank; empty when unsure."""
    sentence = re.split(r"[.!?;:\n…]| - ", rest, maxsplit=1)[0].strip()
    if not sentence or fold(sentence.split()[0]) not in lexicon.signs.tail_starts:
        return ""
    turned = mirrored(sentence, lexicon, at_most=12)
    return f" {turned}" if turned else ""


def _clause(text: str, lexicon: Lexicon) -> tuple[str | None, str]:
    """The last sentence that states something about the person, as said to them, and its wording."""
    for sentence in reversed(_SENTENCE.findall(text)[:12]):
        if sentence.rstrip().endswith("?"):
            continue
        bare = re.sub(r"\s+", " ", sentence.strip(" .!;:\n…"))
        filler = lexicon.filler.match(fold(bare))
        bare = bare[filler.end() :] if filler else bare
        if len(bare.split()) < 3 or not lexicon.clause.match(fold(bare)):
            continue
        turned = mirrored(bare, lexicon, at_most=13)
        if turned:
            start = " ".join(fold(turned).split()[:4])
            wording = "mirror_told" if lexicon.copula.search(start) else "mirror_clause"
            wording = "mirror_asif" if lexicon.absolute.search(fold(turned)) else wording
            return turned[0].lower() + turned[1:], wording
    return None, "mirror_clause"


def _people(folded: str, lexicon: Lexicon) -> tuple[str, ...]:
    names = dict.fromkeys(match["owned"] or match["kin"] for match in lexicon.noun.finditer(folded))
    spelled = _spelled(lexicon.signs.nouns)
    return tuple(lexicon.signs.your.format(spelled.get(name, name)) for name in names)


@functools.cache
def _spelled(nouns: str) -> dict[str, str]:
    """Folded -> as it is written, of a language's list."""
    return {fold(word): word for word in nouns.split("|")[::-1]}
