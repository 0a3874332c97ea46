"""Cards, phones and other long numbers: rather one number too many than one too few.

Dates, years, times, scores, money, doses and counts stay: a companion must remember them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from stdnum import luhn

from nura_rt.pipeline.pii.bounds import capped
from nura_rt.pipeline.pii.fold import FILLER
from nura_rt.pipeline.pii.page import UNREAD, Found, Page
from nura_rt.pipeline.pii.patterns import any_of

_CARD = re.compile(
    r"(?<![\d])(?:\d{4}([ .-]{0,3})\d{4}\1\d{4}\1\d{1,7}|\d{4}[ .-]{0,3}\d{6}[ .-]{0,3}\d{4,5}|\d{12,19})(?!\d)"
)
_CARD_GROUPS = re.compile(r"\d{4}([ .-])\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ .-])\d{6}\2\d{5}")
_RUN = re.compile(r"\d(?:[ ().\-/_·•]{0,3}\d){6,}")
_BEFORE_RUN = 4  # signs before a run that decide what it is: a currency, "+(", the rest of a decimal
_BEHIND_RUN = 14  # and behind it: a unit
_UNIT = any_of(
    r"""mg mcg ug ml kg g iu cm mm km m k lbs? oz units? steps pasos calories calorias kcal cals? % € £ \$
    dollars? usd eur euros? pounds bucks quid pesos soles rupees rs reais yen views followers likes people
    personas times veces hours horas days dias years anos ms gb mb"""
)
_HARMLESS = re.compile(
    # a date in either order, perhaps with a time behind it
    r"(?<!\d)(?<!\d[-/.])(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))(?![-/.]?\d)"
    # years, in a row or as a span; times; blood pressure and scores
    r"|(?<![\d./-])(?:19|20)\d{2}(?:(?: ?[-/] ?| )(?:19|20)\d{2})*(?![-/.]?\d)"
    r"|(?<![\d:.])\d{1,2}[:.h]\d{2}(?: ?- ?\d{1,2}[:.h]\d{2})?(?![\d:]|[.]\d)"
    r"|(?<![\d/])\d{1,3}/\d{1,3}(?![\d/])"
    # money and measures
    rf"|[$€£¥] ?\d[\d ]*\d|(?<!\d)\d+(?:\.\d+)? ?{_UNIT}(?!\w)"
)
_YEARS = re.compile(r"(?:(?:19|20)\d{2}[ .-]?){4}")
_GROUPS = re.compile(r"\d+")
_ENGLISH = "zero one two three four five six seven eight nine"
_SPANISH = "cero uno dos tres cuatro cinco seis siete ocho nueve"
_WORD = any_of(rf"{_ENGLISH} {_SPANISH} oh (?:double|triple|doble)\s[a-z]{{2,6}}")
_SAID = re.compile(rf"{_WORD}(?:[ ,.-]{{1,3}}{_WORD}){{6,}}")
# Digits that are common words begin no search, but a number may begin with them.
_SAID_BEFORE = re.compile(r"(?<!\w)(?:(?:oh|one|uno|double|triple)[ ,.-]{1,3}){1,4}$")
_FEWEST = 4  # digits that are hardly anything else than digits
_SPAN = 30  # signs before a number in which a word says that it is a phone's


def cards(page: Page) -> Iterator[Found]:
    """Right by their check digit, or written in a card's groups, or spoken of as a card."""
    said = "card" in page.kinds
    yield from capped(_CARD, page.lower, lambda match: _card(match, said), page.zones)


def phones(page: Page) -> Iterator[Found]:
    """Numbers of seven and more digits."""
    places = [end for _, end in page.cues("phone")]
    for run in capped(_RUN, page.lower, _run, page.zones):
        if run.type == UNREAD:
            yield run
        else:
            yield from _numbers(page.lower, run, places)


def spoken(page: Page) -> Iterator[Found]:
    """Phone numbers said in words."""
    places = page.cues("digit_word")
    reached = 0
    for start, _ in places if len(places) > _FEWEST else ():
        match = _SAID.match(page.lower, start) if start >= reached else None
        if match and not _is_count(match[0]):
            before = _SAID_BEFORE.search(page.lower, max(0, start - 30), start)
            reached = match.end()
            yield Found("PHONE", before.start() if before else start, reached)


def _is_count(said: str) -> bool:
    """ "One, two, three, four": somebody breathes."""
    for language in (_ENGLISH, _SPANISH):
        words = language.split()
        digits = [words.index(word) for word in re.findall(r"\w+", said) if word in words]
        if {later - one for one, later in pairwise(digits)} in ({1}, {-1}):
            return True
    return False


def _card(match: re.Match[str], said: bool) -> Found | None:
    digits = "".join(_GROUPS.findall(match[0]))
    # 12 digits and more are a card's only where the text speaks of one (Maestro): they might be a phone's
    if _YEARS.fullmatch(match[0]) and not said:
        return None
    right = luhn.is_valid(digits) and (len(digits) > 12 or said)
    grouped = _CARD_GROUPS.fullmatch(match[0]) is not None
    if right or grouped or (said and len(digits) > 12):
        return Found("CARD", *match.span())
    return None


def _run(match: re.Match[str]) -> Found:
    return Found("PHONE", *match.span())


def _numbers(lower: str, run: Found, places: list[int]) -> Iterator[Found]:
    """The numbers in a run of digits, once the dates, times and amounts in it are put aside."""
    first = max(0, run.start - _BEFORE_RUN)
    window = lower[first : run.end + _BEHIND_RUN]
    left = _HARMLESS.sub(lambda match: FILLER * len(match[0]), window)
    for match in _RUN.finditer(left, run.start - first, run.end - first):
        start = first + match.start()
        while start and lower[start - 1] in "+(":
            start -= 1
        said = _is_said(lower, start, places)
        if said or not (_is_list(match[0], lower[start]) or _is_decimal(left, match.start())):
            yield Found(_type(match[0]), start, first + match.end())


def _is_said(lower: str, start: int, places: list[int]) -> bool:
    """Whether the word before `start` that may announce a phone is near, with no other value between."""
    before = bisect_right(places, start) - 1
    return before >= 0 and start - _SPAN <= places[before] and FILLER not in lower[places[before] : start]


def _is_decimal(text: str, start: int) -> bool:
    return text[max(0, start - 1) : start] == "." and text[max(0, start - 2) : start - 1].isdigit()


def _type(value: str) -> str:
    """What an unannounced number is: a card however it is grouped, a phone while it is short enough for one."""
    digits = "".join(_GROUPS.findall(value))
    if 13 <= len(digits) <= 19 and luhn.is_valid(digits):
        return "CARD"
    return "PHONE" if len(digits) <= 15 else "NUMBER"


def _is_list(value: str, first: str) -> bool:
    """Small numbers in a row: "1 2 3 4 5 6 7", "slept 7 5 6 4 8 7 6", "12 14 15 9". `first`: "+", "(" or a digit."""
    groups = _GROUPS.findall(value)
    digits = sum(map(len, groups))
    longest = max(map(len, groups))
    if longest == 1:
        steps = {int(later) - int(one) for one, later in pairwise(groups)}
        return digits < 9 or steps in ({1}, {-1})
    return longest == 2 and first not in "+(0" and digits < 10 and " " in value
