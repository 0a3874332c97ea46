"""Finds many fixed phrases in a text in one pass (Aho-Corasick), typed. The only importer of pyahocorasick."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

import ahocorasick  # type: ignore[import-not-found]

T = TypeVar("T")


class Cues(Generic[T]):
    """Phrases with what each of them stands for; immutable once built."""

    def __init__(self, meanings: Mapping[str, T]) -> None:
        self._automaton = ahocorasick.Automaton()
        for phrase, meaning in meanings.items():
            self._automaton.add_word(phrase, meaning)
        self._automaton.make_automaton()

    def find(self, text: str) -> Iterator[tuple[int, T]]:
        """(place of the last code point, meaning) of every occurrence, overlapping ones too."""
        found: Iterator[tuple[int, T]] = self._automaton.iter(text)
        return found
