"""The person's own words, turned from "I" to "you"; when unsure, nothing at all.

Invariant: only plain words come back. No digits, addresses, placeholders, insults, means of harm or
words spoken to the companion itself ever pass.
"""

import functools
import re
import unicodedata
from importlib import resources

import msgspec

from nura_rt.assistant.lexicon import Lexicon, fold

_PLAIN = re.compile(r"[A-Za-zÀ-ɏ]{1,20}(?:['-][A-Za-zÀ-ɏ]{1,12})?")
_DOUBLED = re.compile(r"(.)\1+")
_CUT_FROM = 4  # a clause is not cut before its fourth word


class NeverEcho(msgspec.Struct, frozen=True):
    """The shape of `never_echo.json`."""

    why: str
    stems: tuple[str, ...]
    allowed: frozenset[str]


def mirrored(phrase: str, lexicon: Lexicon, *, at_most: int) -> str | None:
    """`phrase` as said to the person, without a final stop; None when it cannot be done safely."""
    words = phrase.replace("\u2019", "'").strip(" ,").split()
    if phrase.isupper():
        words = [word.lower() for word in words]
    words = shortened([word.strip('"“”') for word in words], lexicon, at_most=at_most)
    if not words or len(words) > at_most or fold(words[-1]) in lexicon.signs.tail_ends_bad:
        return None
    if not all(may_echo(word, lexicon) for word in words):
        return None
    return " ".join(_turned(words, lexicon))


def shortened(words: list[str], lexicon: Lexicon, *, at_most: int) -> list[str]:
    """Cut before a second thought ("and", "but") when it is too long, or at a comma."""
    for index, word in enumerate(words):
        long_enough = index >= _CUT_FROM
        if long_enough and len(words) > at_most and fold(word) in lexicon.signs.tail_cuts:
            return [w.rstrip(",") for w in words[:index]]
        if word.endswith(",") and index + 1 >= _CUT_FROM:
            return [w.rstrip(",") for w in words[: index + 1]]
    return [w.rstrip(",") for w in words]


def may_echo(word: str, lexicon: Lexicon) -> bool:
    """True for a plain word that is harmless to give back."""
    signs, folded = lexicon.signs, fold(word)
    if not _PLAIN.fullmatch(word) or folded in signs.never_mirror or word.lower() in signs.never_mirror:
        return False
    if len(folded) == 1 and folded not in signs.one_letter:
        return False
    if folded in signs.swap or word.lower() in signs.swap:
        return not is_harsh(folded)
    if signs.first_person_ends and word.lower().endswith(signs.first_person_ends):
        return word.lower() in signs.first_person_fine and not is_harsh(folded)
    return not is_harsh(folded)


def is_harsh(folded: str) -> bool:
    """True when the word starts like one on the list, also with stretched letters."""
    listed = _never_echo()
    if folded in listed.allowed:
        return False
    plain = _DOUBLED.sub(r"\1", unicodedata.normalize("NFKD", folded))
    return folded.startswith(listed.stems) or plain.startswith(listed.stems)


def _turned(words: list[str], lexicon: Lexicon) -> list[str]:
    signs, turned, before = lexicon.signs, list[str](), ""
    for word in words:
        key = word.lower()
        if before in ("i", "we") and key in signs.after_i:
            turned.append(signs.after_i[key])
        else:
            turned.append(signs.swap.get(key) or signs.swap.get(fold(word)) or signs.spell.get(key) or word)
        before = key
    return turned


@functools.cache
def _never_echo() -> NeverEcho:
    file = resources.files(__package__).joinpath("never_echo.json")
    return msgspec.json.decode(file.read_bytes(), type=NeverEcho)
