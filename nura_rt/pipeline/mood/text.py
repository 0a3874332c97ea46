"""A text as the mood rules read it: lower-case words as VADER splits them, and which of them are shouted.

Most texts are split by one translation; only where that could differ from VADER's way, each word is looked at.
"""

import re
from collections.abc import Mapping

_STRIP = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_UNKNOWN = "\x7f"  # a character no list knows
_READ = 10_000  # characters read of one text
_DROPPED = b"!\"'(),.?[]{}*~"
_BLANK = b"\t\n\v\f\r\x1c\x1d\x1e\x1f"
_LOWER = bytes.maketrans(bytes(range(65, 91)) + _BLANK, bytes(range(97, 123)) + b" " * len(_BLANK))
# what asks for a closer look: A for a capital, E for a part of an emoticon; letters between are left out
_SHAPE = bytes(65 if 65 <= code <= 90 else 69 if code in b":;=<" else 32 for code in range(256))
_QUIET = bytes(range(97, 123)) + bytes(range(48, 58)) + b"'"


# what is shown (ASCII); its words in lower case, without apostrophes, with one space around each ("we'll" is "we_ll",
# so that it is not "well"); and whether two capitals stand side by side somewhere
Text = tuple[str, str, bool]


def read(text: str, signs: Mapping[str, str], *, word_by_word: bool = False) -> Text:
    """`signs`: what a character outside ASCII stands for. Word by word, one of two letters keeps its punctuation."""
    shown = text[:_READ]
    if not shown.isascii():
        shown = _FOREIGN.sub(lambda match: signs.get(match[0], _UNKNOWN), shown)[:_READ]
    if "'ll" in shown:
        shown = shown.replace("'ll", "_ll")
    raw = shown.encode()
    shape = raw.translate(_SHAPE, _QUIET)
    loud = b"AA" in shape
    if loud or word_by_word or b"E" in shape:
        return shown, f" {' '.join(map(_bare, shown.lower().split()))} ", loud
    spaced = f" {raw.translate(_LOWER, _DROPPED).decode().strip()} "
    return shown, f" {' '.join(spaced.split())} " if "  " in spaced else spaced, False


def shouted(shown: str, spaced: str) -> frozenset[int]:
    """Where in `spaced` a word begins that is in capitals, if not everything is; for a text read as loud."""
    places: list[int] = []
    place = 0
    tokens = shown.split()
    for token, word in zip(tokens, spaced.split(), strict=True):
        if token.isupper():
            places.append(place)
        place += len(word) + 1
    return frozenset() if len(places) == len(tokens) else frozenset(places)


def _bare(token: str) -> str:
    """Without punctuation around it, unless little is left: then it may be an emoticon."""
    if token.isalpha():
        return token
    bare = token.strip(_STRIP)
    return bare.replace("'", "") if len(bare) > 2 else token
