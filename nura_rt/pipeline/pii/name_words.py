"""What may be a name, and how far one reaches: "Ana", "Caoimhe O'Rourke", "Maria de la Cruz", "dr meenakshi pillai"."""

import re
from collections.abc import Mapping
from typing import Any

from nura_rt.pipeline.pii.fold import plain_word
from nura_rt.pipeline.pii.page import Page
from nura_rt.pipeline.pii.patterns import any_of
from nura_rt.pipeline.pii.vocabulary import Vocabulary, inflected

_WORD = r"[^\W\d_]{1,25}(?:['-][^\W\d_]{1,20}){0,2}"
_FIRST = re.compile(_WORD)
_NEXT = re.compile(rf" ({_WORD}\.?)(?![\w@])")
_LONGEST = 4  # words of a name behind the first, particles and initials among them
_CONTRACTED = frozenset({"t", "d", "ll", "re", "ve", "m"})  # "won't", "she'd"
_SHORTEST = 3  # letters of a lower-case name that is not in the list
# Endings of verbs, adverbs and abstract nouns: an unknown word like this is hardly a name.
_NO_NAME = re.compile(
    r".{2,}(?:ed|ing|ings|ly|ness|tions?|able|ible|ful|less|ous|ize[sd]?|ify|ando|iendo|aban?|mente|cion)$"
)
# How a sentence goes on behind a person, or ends: tells "my sister Hope is" from "me and my brother Hope so".
_GOING_ON = any_of(
    "and is was has had hasn't isn't says? said told tells who will would never always y es dice dijo"
)
_GOES_ON = re.compile(rf"'s\b|\s*(?:[.,!?;:)\n]|$)| {_GOING_ON}\b")


class NameWords:
    """Tells names from ordinary words; knows common given names."""

    def __init__(self, words: Mapping[str, Any], vocabulary: Vocabulary) -> None:
        """`words` as in names.toml."""
        self.given = frozenset(map(plain_word, words["given"].split()))
        self._given = self.given | frozenset(map(plain_word, words["given_capital"].split()))
        self._also_words = frozenset(map(plain_word, words["also_words"].split()))
        self._also_verbs = frozenset(words["also_verbs"].split())
        self._surnames = frozenset(words["surnames"].split())
        self._particles = frozenset(words["particles"].split())
        self._people = frozenset(
            form
            for kind in ("relations", "persons", "nameless")
            for word in words[kind].split()
            for form in inflected(plain_word(word))
        )
        self._vocabulary = vocabulary

    def name_at(
        self, page: Page, start: int, *, lower: bool = False, shouted: bool = False
    ) -> tuple[int, int] | None:
        """The name that begins at `start`. `lower`, `shouted`: one in small or in capital letters counts too."""
        match = _FIRST.match(page.text, start)
        if match is None:
            return None
        end = start + len(_unpossessed(match[0]))
        if not self.is_name(page, start, end, lower=lower, shouted=shouted):
            return None
        if end < match.end():
            return start, end
        return start, self._reach(page, start, end, lower=lower, shouted=shouted)

    def is_name(
        self, page: Page, start: int, end: int, *, lower: bool = False, shouted: bool = False
    ) -> bool:
        """Whether the one word from `start` to `end` may be a name."""
        word, plain = page.text[start:end], page.lower[start:end]
        if len(plain) < 2:
            return False
        if word.isupper():
            lower, capital = lower and page.shouts, shouted or (plain in self._given and len(plain) > 3)
        else:
            capital = word[0].isupper()
        if not (capital or lower):
            return False
        if plain in self._given:
            return True
        if (
            plain in self._also_words
            and (capital or self.is_ordinary(plain))
            and (capital or plain not in self._also_verbs)
        ):
            return _GOES_ON.match(page.lower, end) is not None
        if not capital and len(plain) < _SHORTEST:
            return False
        return not self.is_ordinary(plain) and (
            capital or not _looks_like_a_verb(plain, page.accented[end - 1])
        )

    def is_ordinary(self, plain: str) -> bool:
        """Whether a plain lower-case word is in the dictionary; compounds are when all their parts are."""
        if plain in self._people:
            return True
        knows = self._vocabulary.knows
        if "-" in plain:
            return knows(plain) or all(map(knows, plain.split("-")))
        return knows(plain) or plain.rpartition("'")[2] in _CONTRACTED

    def _reach(self, page: Page, start: int, end: int, *, lower: bool, shouted: bool) -> int:
        """Where the name ends: after further names, over particles and initials between them."""
        small = not page.text[start].isupper()
        at = end
        for _ in range(_LONGEST):
            match = _NEXT.match(page.text, at)
            if match is None:
                break
            word = match[1].rstrip(".")
            at = match.start(1) + len(_unpossessed(word))
            if self.is_name(page, match.start(1), at, lower=lower and small, shouted=shouted) or (
                not small and word[0].isupper() and page.lower[match.start(1) : at] in self._surnames
            ):
                end = at
            elif small or not self._joins(word, match[1]):
                break
            else:
                at = match.end(1)
                continue
            if at < match.end(1) or small:
                break
        return end

    def _joins(self, word: str, written: str) -> bool:
        return word in self._particles or (len(word) == 1 and word.isupper() and written.endswith("."))


def _looks_like_a_verb(plain: str, last: str) -> bool:
    """`last`: the last sign with its accent; "publicó" and "murió" are what somebody did."""
    return last in "óÓ" or _NO_NAME.match(plain) is not None


def _unpossessed(word: str) -> str:
    return word[:-2] if word.endswith("'s") else word.rstrip("'")
