"""Finds personal data in a message and replaces it by typed placeholders (`<PHONE_1>`).

Rather one number too many than one too few; dates, times, ages, money and doses stay. Every regex is bounded, and
what a rule did not come to in a very long text is taken as found.
"""

from collections.abc import Callable, Iterator

from nura_rt.pipeline.pii.announced import announced
from nura_rt.pipeline.pii.births import births
from nura_rt.pipeline.pii.fold import Folder
from nura_rt.pipeline.pii.handles import handles
from nura_rt.pipeline.pii.identifiers import ibans, nationals
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.pii.names import NameFinder
from nura_rt.pipeline.pii.numbers import cards, phones, spoken
from nura_rt.pipeline.pii.online import emails, links, machines
from nura_rt.pipeline.pii.page import Found, Page, joined
from nura_rt.pipeline.pii.places import addresses
from nura_rt.pipeline.pii.reader import Reader, load_cues
from nura_rt.pipeline.pii.repeats import repeated
from nura_rt.pipeline.placeholders import Placeholders, escaped
from nura_rt.pipeline.turn import PiiSpan

_ROUNDS = 3  # what is left after a value was taken out may show another; nearly always one round finds all

_Rule = Callable[[Page], Iterator[Found]]
# The order decides who is asked first about a text that two rules want.
_OF_DIGITS: tuple[_Rule, ...] = (machines, ibans, nationals, births, announced, cards, addresses, phones)


class PiiFilter:
    """Finds and replaces; holds no text. Offsets are code points of the text it was given."""

    def __init__(self, names: NameFinder) -> None:
        always, with_digits = load_cues()
        self._names = names
        self._folder = Folder()
        self._reader = Reader(always | names.cues, with_digits)

    @classmethod
    def load(cls) -> "PiiFilter":
        """Reads the package's word lists."""
        return cls(NameFinder.load())

    def find(self, text: str, known: KnownNames | None = None) -> tuple[PiiSpan, ...]:
        """Spans in order, without overlap; every other occurrence of a found value is a span as well."""
        folded = self._folder.fold(text)
        found = self._found(folded.text, folded.accented, known)
        if not found:
            return ()
        return tuple(PiiSpan(type, *folded.original(start, end)) for type, start, end in joined(found))

    def redact(self, text: str, spans: tuple[PiiSpan, ...], placeholders: Placeholders | None = None) -> str:
        """`text` with each of `spans` replaced by what `placeholders` (else: fresh ones) have for its value.

        Typed tokens like `<PERSON_1>` are escaped: nobody can type a placeholder.
        """
        if not spans:
            return escaped(text)
        given = Placeholders() if placeholders is None else placeholders
        parts: list[str] = []
        end = 0
        for span in spans:
            parts += [escaped(text[end : span.start]), given.assign(span.type, text[span.start : span.end])]
            end = span.end
        return "".join([*parts, escaped(text[end:])])

    def _found(self, text: str, accented: str, known: KnownNames | None) -> list[Found]:
        found: list[Found] = []
        for _ in range(_ROUNDS):
            page = self._reader.open(text, accented)
            self._read(page, known)
            if not page.found:
                break
            found += page.found
            text = page.text
        return found

    def _read(self, page: Page, known: KnownNames | None) -> None:
        for rule in _asked(page):
            page.take(rule(page))
        if known is not None:
            page.take(known.find(page, self._names.is_ordinary))
        if not self._names.kinds.isdisjoint(page.kinds):
            page.take(self._names.find(page))
        if page.found:
            page.take(repeated(page, self._names.is_ordinary))


def _asked(page: Page) -> Iterator[_Rule]:
    """The rules that may find anything: what each needs is looked for here, at the cost of a search for a sign."""
    lower, kinds = page.lower, page.kinds
    at, slash = "@" in lower, "/" in lower
    if slash or "www." in lower:
        yield links
    if at or "spelled" in kinds or "at)" in lower or "at]" in lower:
        yield emails
    if page.has_digits:
        yield from _OF_DIGITS
    if "digit_word" in kinds:
        yield spoken
    if at or "#" in lower or slash or "platform" in kinds or "username" in kinds:
        yield handles
