"""Which language to answer in: a guess by stop words and letters, never an error.

Invariant: with no evidence at all the answer is English.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable

from nura_rt.assistant.lexicon import Language, fold, lexicon

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
# Common words of neighbouring languages that are neither English nor Spanish.
_FOREIGN = (
    "je suis moi nous vous est avec pas mais tres pour dans ich nicht bin und mir das ist ein sehr eu nao "
    "estou uma voce meu minha muito sono sto non che mio mia molto bonjour hallo ciao ola obrigado merci "
    "danke grazie ik niet mijn het een triste fatigue mude traurig heute j'ai c'est qu'il tudo bem oui nein"
)
_AT_MOST = 600


def guess(texts: Iterable[str]) -> Language:
    """The language of the first text (newest first) that gives any evidence."""
    for text in texts:
        english, spanish, _ = evidence(text)
        if english != spanish:
            return "es" if spanish > english else "en"
    return "en"


def evidence(text: str) -> tuple[float, float, float]:
    """How much speaks for English, Spanish and some other Latin-script language."""
    folded = fold(text[:_AT_MOST])
    words = _WORD.findall(folded)
    english = _hits(words, lexicon("en").signs.stop_words)
    spanish = _hits(words, lexicon("es").signs.stop_words)
    spanish += 2.0 * sum(text[:_AT_MOST].count(mark) for mark in "¿¡ñÑ")
    spanish += sum(1.0 for mark in "áíóú" if mark in text[:_AT_MOST].lower())
    return english, spanish, _hits(words, _foreign())


def unreadable(text: str) -> bool:
    """True when most letters are of another script, or the words are of another language."""
    letters = [char for char in text[:_AT_MOST] if char.isalpha()]
    foreign_letters = sum(1 for char in letters if not _latin(char))
    if letters and foreign_letters * 2 > len(letters):
        return True
    english, spanish, other = evidence(text)
    return other >= 2 and other > max(english, spanish)


@functools.cache
def _foreign() -> frozenset[str]:
    return frozenset(_FOREIGN.split())


def _hits(words: list[str], known: frozenset[str]) -> float:
    return float(sum(1 for word in words if word in known))


def _latin(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith(("LATIN", "FEMININE", "MASCULINE"))
