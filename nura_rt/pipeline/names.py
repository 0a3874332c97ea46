"""Finds names of people by how they are introduced ("my name is X", "my sister X"), without a name list.

Lower-case names count only after an introduction that says it is a name.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Literal

from nura_rt.pipeline.cues import Cues

Kind = Literal["stated", "title", "self"]

_NAME = re.compile(
    r"[ ,:\n]{1,3}(?:is |called |named )?"
    r"([^\W\d_]{1,25}(?:['\u2019-][^\W\d_]{1,20})?)"
    r"((?: [^\W\d_][^\W\d_'\u2019-]{1,24}){0,2})"
)
_FURTHER = re.compile(r" (\S+)")
_AFTER_SELF = re.compile(r"(?: {0,2}[.,!?;)\n]| and | from | y |\s{0,3}$)")


class NameFinder:
    """Aho-Corasick over the introductions; the regex runs only behind one."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        """`words` as in names.toml."""
        kin = [f"{mine} {who.strip()}" for mine, row in words["relations"].items() for who in row.split("|")]
        cues: dict[str, Kind] = dict.fromkeys((*words["titles"], *kin), "title")
        cues |= dict.fromkeys(words["self"], "self")
        cues |= dict.fromkeys(words["said_to_be_names"], "stated")
        cues |= dict.fromkeys((f"{who}{end} name is" for who in kin for end in ("'s", "s")), "stated")
        self._cues = Cues({f" {cue}": kind for cue, kind in cues.items()})
        self._not_names = frozenset(words["not_names"].split())

    @classmethod
    def load(cls) -> "NameFinder":
        """Reads the package's names.toml."""
        text = files("nura_rt.pipeline").joinpath("names.toml").read_text(encoding="utf-8")
        return cls(tomllib.loads(text))

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of names in `text`; they may overlap."""
        for end, kind in self._cues.find(" " + _lowered(text)):
            # the added space makes `end` the place behind the introduction
            yield from self._name_at(text, end, kind)

    def _name_at(self, text: str, at: int, kind: Kind) -> Iterator[tuple[int, int]]:
        match = _NAME.match(text, at)
        if match is None or len(match[1]) < 2 or match[1].lower() in self._not_names:
            return
        if kind != "stated" and not _capital(match[1]):
            return
        end = match.end(1)
        for word in _FURTHER.finditer(match[2]):
            if not _capital(word[1]) or word[1].lower() in self._not_names:
                break
            end = match.start(2) + word.end()
        if kind == "self" and not _AFTER_SELF.match(text, end):
            return
        yield match.start(1), end


def _lowered(text: str) -> str:
    """Lower case with every code point in its place: some letters grow when lowered."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
    return lowered.replace("\u2019", "'").replace("\n", " ")


def _capital(word: str) -> bool:
    return word[0].isupper() and not word.isupper()
