"""Texts as the rules read them: plain letters, digits and signs, each at a known place of what was written.

Accents, wide digits, typographic signs and invisible signs cannot hide a value. Case is kept.
"""

import unicodedata
from itertools import chain

import msgspec

from nura_rt.pipeline.placeholders import LIKE_A_TOKEN

FILLER = "\x7f"  # stands where nothing is to be read: no word sign, no space, part of no rule, never in a folded text
_ASCII = frozenset(map(chr, range(128)))
# Control signs, soft hyphens, joiners, direction marks, combining accents, variation selectors.
_INVISIBLE = frozenset(
    chr(place)
    for first, last in (
        (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x300, 0x36F), (0x61C, 0x61C),
        (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    )
    for place in range(first, last + 1)
)  # fmt: skip
_SIGNS = str.maketrans(
    "\u2018\u2019\u02bc\u00b4`\u2010\u2011\u2012\u2013\u2014\u2212\u3002\u0130", "'''''------.I"
)
_FEW = 12  # so many signs are replaced one by one faster than by a table


class Folded(msgspec.Struct, frozen=True):
    """`places[n]` is where sign n of `text` stood in the original; None when nothing was left out.

    `accented` is `text` with its accents, sign for sign.
    """

    text: str
    accented: str
    places: list[int] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that `start` to `end` of `text` came from."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


class Folder:
    """Folds texts; knows the Latin letters by heart."""

    def __init__(self) -> None:
        latin = map(chr, chain(range(0xA0, 0x250), range(0x1E00, 0x1F00), range(0x2000, 0x2050)))
        self._known = {sign: plain_sign(sign) for sign in latin}

    def fold(self, text: str) -> Folded:
        """Typed tokens of a placeholder's shape are blanked out: they are no one's data."""
        plain = accented = text
        places = None
        if not (text.isascii() and text.isprintable()):
            signs = set(text)
            if not signs.isdisjoint(_INVISIBLE):
                places = [place for place, sign in enumerate(text) if sign not in _INVISIBLE]
                plain = accented = "".join([text[place] for place in places])
            plain = self._plain(plain, signs - _ASCII)
        if "<" in plain or "\u2039" in plain:
            plain = LIKE_A_TOKEN.sub(lambda token: FILLER * len(token[0]), plain)
        return Folded(plain, accented, places)

    def _plain(self, text: str, odd: set[str]) -> str:
        known = self._known
        changes = {sign: known.get(sign) or plain_sign(sign) for sign in odd - _INVISIBLE}
        if len(changes) > _FEW:
            return text.translate({ord(sign): plain for sign, plain in changes.items()})
        for sign, plain in changes.items():
            text = text.replace(sign, plain)
        return text


def plain_sign(sign: str) -> str:
    """One sign for one sign: "é" is "e", a wide "7" is "7", a no-break space is a space."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign.isspace() and sign not in "\n\r\u2028\u2029":
        return " "
    if ord(sign) in _SIGNS:
        return chr(_SIGNS[ord(sign)])
    parts = unicodedata.normalize("NFKD", sign)
    return parts[0] if all(map(unicodedata.combining, parts[1:])) else sign


def plain_word(word: str) -> str:
    """`word` as the rules compare words: lower case, without accents and invisible signs."""
    composed = unicodedata.normalize("NFC", word)
    return "".join(
        sign if sign in _ASCII else plain_sign(sign) for sign in composed if sign not in _INVISIBLE
    ).lower()
