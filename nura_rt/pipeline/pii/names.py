"""Finds names of people by how they are introduced ("my name is X", "my sister X") and by common given names.

A lower-case word counts as a name only after an introduction, and only when it is no ordinary word.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from nura_rt.pipeline.pii.fold import plain_word
from nura_rt.pipeline.pii.name_words import NameWords
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.vocabulary import Vocabulary

_Range = tuple[int, int]
_Reader = Callable[[Page, int, int], Iterable[_Range | None]]

_GAP = re.compile(r"[ ,:\n\"'(*_-]{1,4}")
_CLOSE = " :=\n\"'(*_-."
_LABEL_GAP = re.compile(r" ?[:=] ?")
_TITLE_GAP = re.compile(r"\.? {1,2}")
_KIN_GAP = re.compile(
    r"(?: (?:mayor|menor|pequen[oa]|chic[oa]|grande|median[oa]|gemel[oa]|querid[oa]|favorit[oa]))?"
    r"(?: is| es| ist| was|'s name is| of mine)?[ ,:\n\"(-]{1,3}"
)
_FAREWELL_GAP = re.compile(r"[ x]{0,4}[,\n][\s-]{0,4}|(?<=x) |(?<=xo) |(?<=\s-) ?")
_BREAK = re.compile(
    r" {0,2}[.,!?;)(\n-]| (?:and|from|y|de|und|et|btw|here|again)\b| by the way| i'?m\b|\s{0,3}$", re.I
)
# What only a person says behind a name of their own: "im jonas btw", "im jonas, 19", "this is jonas again".
_EVIDENCE = re.compile(
    r",? (?:btw|by the way|here|again|speaking)\b|,? (?:(?:and|y) )?(?:i'?m |i am |tengo )?\d{1,2}\b", re.I
)
# Where people say who they are: at the beginning, perhaps behind a greeting.
_OPENED = re.compile(
    r"\W*(?:(?:hi|hey|hello|hiya|yo|hola|buenas|hallo|so|ok|um|well)\b[ a-z]{0,15}\W{1,3})?", re.I
)
_HERE = re.compile(
    r"(?:^|(?i:\b(?:hi|hey|hello|hola|morning|evening|afternoon)))[ ,]{0,3}([^\W\d_][\w'-]+(?: [^\W\d_][\w'-]+)?) $"
)
_END = re.compile(r"\s{0,3}(?:[.,!?;)\n]|$)")
_LAST_SIGNS = re.compile(r"(?:[\s.!?x*<3:)(-]|\x7f+){0,12}$")
_ALSO = re.compile(r"(?:,| and|, and| &| y| und| et) ")
_PLACE_BEFORE = re.compile(r"\b(?:san|santa|saint|st|fort|port|lake|mount|mt|cape|el|lady)\.? $")
_CLAUSE = re.compile(r"[.!?\n;:]")
_ADJECTIVES = 4  # words between "my" and "sister", and "my" itself
_SENTENCE = re.compile(
    r"(?:^|[.!?\n;:,]|\b(?:that|think|because|cause|and|but|when|if|so|since|que|porque|y|pero|cuando))[\s\"']*$"
)
_SUBJECT = re.compile(r"([^\W\d_][\w'-]{1,25}) $")
_IS = frozenset({"is", "es"})
# Between a relation and its name: "my sister is Ana", "mi hermana mayor Ana".
_LINKS = frozenset(
    {"is", "es", "ist", "was", "of", "mayor", "menor", "chico", "chica", "grande", "querido", "querida"}
)
_WORDS_BEFORE = re.compile(r"[\w']+")


class NameFinder:
    """Knows how people are introduced. Its `cues` have to be among those that a page is opened with."""

    def __init__(self, words: Mapping[str, Any], vocabulary: Vocabulary) -> None:
        """`words` as in names.toml."""
        self._words = NameWords(words, vocabulary)
        self._whose = frozenset(words["whose"].split())
        self._people = frozenset(map(plain_word, f"{words['relations']} {words['persons']}".split()))
        self._nameless = frozenset(map(plain_word, words["nameless"].split()))
        self._readers: dict[str, _Reader] = {
            "stated": self._stated,
            "labels": self._label,
            "spoken_of": self._spoken_of,
            "self": self._self,
            "titles": self._title,
            "capital_titles": self._capital,
            "greetings": self._capital,
            "farewells": self._farewell,
            "addressed": self._capital,
            "loved": self._loved,
            "subject": self._subject,
            "relations": self._relation,
            "plural_relations": self._relations,
            "foreign_relations": self._relations,
            "here": self._here,
            "given": self._given,
        }
        self.kinds = frozenset(self._readers)
        self.cues: dict[str, list[str]] = {
            kind: _phrases(words[kind]) for kind in self._readers if kind != "here"
        }
        self.cues["german"] = words["german"]
        self.cues["given"] += _phrases(words["given_capital"])
        self.cues["given"] += [f"{name}'s" for name in self.cues["given"]]
        self.cues["here"] = ["here"]

    @classmethod
    def load(cls, vocabulary: Vocabulary | None = None) -> "NameFinder":
        """Reads the package's names.toml."""
        text = files("nura_rt.pipeline.pii").joinpath("names.toml").read_text(encoding="utf-8")
        return cls(tomllib.loads(text), vocabulary or Vocabulary.load())

    def is_ordinary(self, word: str) -> bool:
        """Whether a plain lower-case word is one of the dictionary."""
        return self._words.is_ordinary(word)

    def find(self, page: Page) -> list[Found]:
        """Names on the page; they may overlap."""
        found: list[Found] = []
        for kind in page.kinds:
            read = self._readers.get(kind)
            if read is not None:
                self._read(page, kind, read, found)
        return found

    def _read(self, page: Page, kind: str, read: _Reader, found: list[Found]) -> None:
        reached = 0
        for start, end in page.cues(kind):
            if start < reached:
                continue  # inside the name before: "Ana Maria" is two given names
            for name in read(page, start, end):
                if name:
                    found.append(Found("PERSON", *name))
                    reached = max(reached, name[1])

    def _behind(
        self, page: Page, end: int, gap: re.Pattern[str], *, lower: bool = False, shouted: bool = False
    ) -> _Range | None:
        """The name behind an introduction. A small one follows at once, not after a comma or an "is"."""
        match = gap.match(page.text, end)
        if match is None:
            return None
        return self._words.name_at(
            page, match.end(), lower=lower and not match[0].strip(_CLOSE), shouted=shouted
        )

    def _stated(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        before = _WORDS_BEFORE.findall(page.lower, max(0, start - 20), start)[-2:]
        if self._nameless.isdisjoint(word.removesuffix("'s") for word in before):
            yield self._behind(page, end, _GAP, lower=True, shouted=True)

    def _label(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        yield self._behind(page, end, _LABEL_GAP, lower=True, shouted=True)

    def _spoken_of(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        before = _WORDS_BEFORE.findall(page.lower, max(0, start - 40), start)
        nouns = [word for word in before if word in self._people or word in self._nameless]
        if (nouns and nouns[-1] in self._people) or (
            page.lower[start:end] == "short for" and "stated" in page.kinds
        ):
            yield self._behind(page, end, _GAP, lower=True, shouted=True)

    def _self(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        if page.lower[start:end] == "im" and "german" in page.kinds:
            return
        name = self._behind(page, end, _GAP, lower=True)
        if name is None or not _BREAK.match(page.text, name[1]):
            return
        if (
            page.text[name[0]].isupper()
            or _EVIDENCE.match(page.text, name[1])
            or page.lower[start:end] == "this is"
            or _OPENED.fullmatch(page.text, 0, start)
        ):
            yield name

    def _title(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        yield self._behind(page, end, _TITLE_GAP, lower=True, shouted=True)

    def _capital(self, page: Page, start: int, end: int) -> Iterable[_Range | None]:
        """A capitalised name at once behind: titles that are words too, greetings, "I told Ana"."""
        at = end + 2 if page.text[end : end + 1] == "." else end + 1
        return (self._behind(page, end, _TITLE_GAP),) if page.text[at : at + 1].isupper() else ()

    def _farewell(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        name = self._behind(page, end, _FAREWELL_GAP)
        if name and _LAST_SIGNS.match(page.text, name[1]):
            yield name

    def _loved(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        yield self._behind(page, end, _TITLE_GAP, lower=True)

    def _subject(self, page: Page, start: int, end: int) -> Iterable[_Range | None]:
        window = page.text[max(0, start - 27) : start]
        if window.rstrip().rpartition(" ")[2].islower():
            return ()
        match = _SUBJECT.search(page.text, start - len(window), start)
        if match is None or not match[1][0].isupper():
            return ()
        before = _SENTENCE.search(page.lower, max(0, match.start() - 14), match.start())
        return (self._words.name_at(page, match.start()),) if before else ()

    def _relation(self, page: Page, start: int, end: int) -> Iterable[_Range | None]:
        near = page.lower[max(0, start - 16) : start]
        apposed = (
            " is " in near or " es " in near or (("," in near or "(" in near) and _END.match(page.text, end))
        )
        if not apposed and self._goes_on(page, end):
            return ()
        return self._related(page, start, end, apposed=bool(apposed))

    def _goes_on(self, page: Page, end: int) -> bool:
        """Whether an ordinary small word follows, as nearly always: "my sister said"."""
        word = page.lower[end + 1 : end + 16].partition(" ")[0]
        return (
            page.text[end : end + 1 + len(word)].islower() and word not in _LINKS and self.is_ordinary(word)
        )

    def _related(self, page: Page, start: int, end: int, *, apposed: bool) -> Iterator[_Range | None]:
        before = _CLAUSE.split(page.lower[max(0, start - 40) : start])[-1].replace("(", " ").split()
        # "my sister", "my two year old son", "my best friend's brother"
        owned = bool(before) and (
            before[-1].endswith("'s") or not self._whose.isdisjoint(before[-_ADJECTIVES:])
        )
        name = self._behind(page, end, _KIN_GAP, lower=owned)
        if name:
            yield name
            yield from self._listed(page, name[1])
        if owned and apposed:
            yield self._apposed(page, start, end, before)

    def _relations(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        name = self._behind(page, end, _KIN_GAP)
        if name:
            yield name
            yield from self._listed(page, name[1])

    def _listed(self, page: Page, at: int) -> Iterator[_Range]:
        """Further capitalised names in a row: "my friends Ana, Bob and Carla"."""
        while match := _ALSO.match(page.text, at):
            name = self._words.name_at(page, match.end())
            if name is None:
                return
            yield name
            at = name[1]

    def _apposed(self, page: Page, start: int, end: int, before: list[str]) -> _Range | None:
        """A name before its relation: "Marc is my brother", "Marc, my brother, says", "Marc (my brother)"."""
        linked = len(before) > 2 and before[-2] in _IS
        if len(before) < 2 or not (linked or _END.match(page.text, end)):
            return None
        word = before[-3] if linked else before[-2].rstrip(",")
        at = page.lower.rfind(word, max(0, start - 60), start) if word else -1
        return self._words.name_at(page, at) if at >= 0 else None

    def _here(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        """ "Ana Ruiz here." """
        match = _HERE.search(page.text, max(0, start - 60), start) if _END.match(page.text, end) else None
        if match:
            name = self._words.name_at(page, match.start(1), lower=True)
            if name and name[1] == match.end(1):
                yield name

    def _given(self, page: Page, start: int, end: int) -> Iterator[_Range | None]:
        if not _PLACE_BEFORE.search(page.lower, max(0, start - 8), start):
            word = page.lower[start:end].removesuffix("'s")
            yield self._words.name_at(page, start, lower=word in self._words.given)


def _phrases(words: str | list[str]) -> list[str]:
    return words.split() if isinstance(words, str) else [*words]
