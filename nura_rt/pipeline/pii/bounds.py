"""How much of one text a rule looks at: what it did not come to is taken as found, never let through."""

import re
from collections.abc import Callable, Iterable, Iterator

from nura_rt.pipeline.pii.page import UNREAD, Found, Page

MOST = 200  # candidates of one rule in one text; people write a handful

Judge = Callable[[re.Match[str]], Found | None]
Reader = Callable[[Page, int, int], Found | None]


def capped(
    candidates: re.Pattern[str], text: str, judge: Judge, zones: Iterable[tuple[int, int]] | None = None
) -> Iterator[Found]:
    """What `judge` makes of each candidate in `zones` (else: anywhere); from the first one too many on, the rest."""
    number = 0
    for start, end in ((0, len(text)),) if zones is None else zones:
        for match in candidates.finditer(text, start, end):
            number += 1
            if number > MOST:
                yield Found(UNREAD, match.start(), len(text))
                return
            found = judge(match)
            if found:
                yield found


def each(page: Page, kind: str, read: Reader) -> Iterator[Found]:
    """What `read` finds at each cue of `kind`; from the first one too many on, the whole rest of the page."""
    for number, (start, end) in enumerate(page.cues(kind)):
        if number >= MOST:
            yield Found(UNREAD, start, len(page.text))
            return
        found = read(page, start, end)
        if found:
            yield found
