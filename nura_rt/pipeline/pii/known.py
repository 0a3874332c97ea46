"""Names that are known beforehand: a person's own, those of contacts, those confirmed earlier."""

import re
from collections.abc import Callable, Iterable, Iterator

from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.pii.fold import plain_word
from nura_rt.pipeline.pii.page import UNREAD, Found, Page

# Parts of names that say nothing alone.
_PARTICLES = frozenset(
    {
        "de", "da", "do", "dos", "del", "di", "la", "las", "los", "van", "von", "der", "den", "ten",
        "bin", "ibn", "al", "el", "le", "du", "st", "mc", "jr", "sr", "dr", "mr", "mrs", "ms"
    }
)  # fmt: skip
_PARTS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_MOST = 1000  # names in one text that are looked at
_BEFORE = 20  # signs that are read before a name
_INSIDE = re.compile(r"[^.!?\n:;\s] $")
_MONTHS = re.compile(
    r"(?:in|last|next|since|by|until|till|of|this|every|during|early|late|mid|from|before|after) $"
)
_DAYS = re.compile(r" (?:the )?\d")
_INTRODUCED = re.compile(r"(?:name is|name's|called|named|me llamo|call me|i'm|im|i am|this is) $")


class KnownNames:
    """Immutable. A name counts whole and in its parts, as whole words in any case.

    A part that is an ordinary word (Hope, Will, May) counts only capitalised inside a sentence, or introduced.
    """

    def __init__(self, cues: Cues[int] | None) -> None:
        """Use `of`. `cues` gives the length of each plain name that ends at a place."""
        self._cues = cues

    @classmethod
    def of(cls, names: Iterable[str]) -> "KnownNames":
        """`names` as people write them: "Ana Ruiz", "José María", "Nani"."""
        plain = {form: len(form) for name in names for form in _forms(name)}
        return cls(Cues(plain) if plain else None)

    def find(self, page: Page, is_ordinary: Callable[[str], bool]) -> Iterator[Found]:
        """Where the names stand on the page; they may overlap. `is_ordinary`: whether a word is in the dictionary."""
        if self._cues is None:
            return
        seen = 0
        for last, length in self._cues.find(page.lower):
            start, end = last + 1 - length, last + 1
            if not is_whole(page.lower, start, end):
                continue
            seen += 1
            if seen > _MOST:
                yield Found(UNREAD, start, len(page.text))
                return
            if self._counts(page, start, end, is_ordinary):
                yield Found("PERSON", start, end)

    def _counts(self, page: Page, start: int, end: int, is_ordinary: Callable[[str], bool]) -> bool:
        word = page.lower[start:end]
        if (len(word) > 2 or word.upper() == word) and not is_ordinary(word):
            return True
        before = f"{page.lower[max(0, start - _BEFORE) : start].rstrip(' ')} "
        if _INTRODUCED.search(before):
            return True
        if not page.text[start].isupper() or (page.text[start:end].isupper() and not page.shouts):
            return False
        if _MONTHS.search(before) or _DAYS.match(page.lower, end):
            return False
        return _INSIDE.search(before) is not None


def _forms(name: str) -> Iterator[str]:
    """The whole name, and each part of it that can stand for it."""
    whole = " ".join(plain_word(name).split())
    if len(whole) > 1:
        yield whole
    for part in _PARTS.findall(whole):
        if len(part) > 1 and part not in _PARTICLES:
            yield part


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether no letter stands around; scripts without capitals are written without spaces."""
    if not text[start:end].isascii() and text[start:end].upper() == text[start:end]:
        return True
    return not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()
