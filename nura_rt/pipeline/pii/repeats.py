"""A value once found is found wherever it stands again in the same text, also where no rule would see it."""

from collections.abc import Callable, Iterator

from nura_rt.pipeline.cues import Cues
from nura_rt.pipeline.pii.bounds import MOST
from nura_rt.pipeline.pii.known import KnownNames, is_whole
from nura_rt.pipeline.pii.page import UNREAD, Found, Page

_SHORTEST, _LONGEST = 4, 100  # signs of a value that is looked for again; names are asked for otherwise


def repeated(page: Page, is_ordinary: Callable[[str], bool]) -> Iterator[Found]:
    """Further places of what was found on the page; names also by their parts."""
    values = {(type, page.whole[start:end]) for type, start, end in page.found}
    names = [value for type, value in values if type == "PERSON"]
    if names:
        yield from KnownNames.of(names).find(page, is_ordinary)
    others = {
        value: type for type, value in values if type != "PERSON" and _SHORTEST <= len(value) <= _LONGEST
    }
    if len(others) == 1:
        yield from _single(page, *others.popitem())
    elif others:
        yield from _many(page, others)


def _single(page: Page, value: str, type: str) -> Iterator[Found]:
    """A search is cheaper than an automaton for one value."""
    at = page.lower.find(value)
    for _ in range(MOST):
        if at < 0:
            return
        if is_whole(page.lower, at, at + len(value)):
            yield Found(type, at, at + len(value))
        at = page.lower.find(value, at + len(value))
    if at >= 0:
        yield Found(UNREAD, at, len(page.text))


def _many(page: Page, types: dict[str, str]) -> Iterator[Found]:
    cues = Cues({value: (type, len(value)) for value, type in types.items()})
    for number, (last, (type, length)) in enumerate(cues.find(page.lower)):
        start = last + 1 - length
        if number >= MOST:
            yield Found(UNREAD, start, len(page.text))
            return
        if is_whole(page.lower, start, last + 1):
            yield Found(type, start, last + 1)
