"""Dates of birth: a date announced as one. Every other date stays, a companion must remember when things were."""

import re
from collections.abc import Iterator

from nura_rt.pipeline.pii.bounds import each
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.patterns import any_of

_MONTH = any_of(
    """jan january januar janeiro janvier enero ene gennaio feb february februar fev fevr fevrier fevereiro
    febrero febbraio mar march mars marco marzo marz maerz maart apr april aprile avr avril abr abril may
    mayo mai maio maggio mei jun june juni junio juin junho giugno jul july juli julio juillet julho luglio
    aug august ago agosto aout sep sept september septiembre setiembre septembre setembro settembre oct
    october octubre octobre okt oktober out outubro ottobre nov november noviembre novembre novembro dec
    december decembre dez dezember dezembro dic diciembre dicembre"""
)
_MONTH += r"(?![a-z])\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.|o\b)?"
_YEAR = r"(?:,?[ /-]?(?:of |de |del |in )?'?(?:\d{4}|\d{2})(?!\w))"
_NUMERIC = r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}(?!\w)|\d{1,2} ?[-/. ] ?\d{1,2} ?[-/. ] ?(?:\d{4}|\d{2})(?!\w)"
DATE = rf"(?:{_NUMERIC}|(?:the )?{_DAY}[ /-]?(?:of |de )?{_MONTH}{_YEAR}?|{_MONTH} (?:the )?{_DAY}{_YEAR}?)"
# Without signs between, or without a year: only directly behind an announcement.
_COMPACT = (
    r"(?:19|20)\d{6}(?!\d)|\d{2}(?:0[1-9]|1[0-2])(?:19|20)\d{2}(?!\d)|\d{6}(?!\d)"
    r"|\d{1,2}[/.-]\d{1,2}(?![\w/-]|\.\d)"
)
# What may stand between the announcement and the date: "born on the", "birthday is on", "born in leeds on".
_LINK_WORDS = any_of(
    r"""on the el dia am le il em a at is was it's its es ist est date of birth falls s 's fue era and so in um
    una op aos den del since my i b old years anos tomorrow today yesterday manana hoy ayer
    \d{1,3}(?=\s(?:on|el|years|anos)) mon tues wednes thurs fri satur sun day monday tuesday wednesday
    thursday friday saturday sunday"""
)
_LINK = (
    rf"(?:[ :,.?=(-]{{0,3}}{_LINK_WORDS}(?![a-z])){{0,6}}"
    r"(?:[ ](?:in|en|at|a) [a-z]{2,20}(?: [a-z]{2,20})?,?(?: on| el| am| le)?)?[ :,.?=(-]{0,3}"
)
_AFTER = re.compile(rf"(?:s|'s)?{_LINK}({DATE}|{_COMPACT})")
# A whole date in the same clause is one of birth, whatever stands between.
_WHOLE = rf"(?:{_NUMERIC}|(?:the )?{_DAY}[ /-]?(?:of |de )?{_MONTH}{_YEAR}|{_MONTH} (?:the )?{_DAY}{_YEAR})"
_LATER = re.compile(rf"[^.!?\n\d\x7f]{{0,30}}(?<!\d)({_WHOLE})")
_EARLIER = re.compile(rf"(?<!\d)({_WHOLE})[^.!?\n\d\x7f]{{0,20}}$")
_NUMBERS = re.compile(r"\d+")
_NAMED = re.compile(r"[a-z]{3}")
_MONTHS, _DAYS = 12, 31
_BEFORE = re.compile(
    rf"(?<!\d)({DATE}),? (?:(?:is|was|are|es|ist|est|in) )?(?:(?:my|mi|mein|mon|his|her|our|the|el) )?$"
)


def births(page: Page) -> Iterator[Found]:
    """The date alone, without its announcement."""
    yield from each(page, "birth", _birth)


def _birth(page: Page, start: int, end: int) -> Found | None:
    before = max(0, start - 60)
    match = (
        _AFTER.match(page.lower, end)
        or _LATER.match(page.lower, end)
        or _BEFORE.search(page.lower, before, start)
        or _EARLIER.search(page.lower, before, start)
    )
    return Found("DATE_OF_BIRTH", *match.span(1)) if match and _is_date(match[1]) else None


def _is_date(value: str) -> bool:
    """Whether two of the numbers in `value` may be a day and a month, or one a day beside a month's name."""
    numbers = [int(number) for number in _NUMBERS.findall(value)]
    return (
        len(numbers) == 1
        or (min(numbers) <= _MONTHS and sorted(numbers)[1] <= _DAYS)
        or _NAMED.search(value) is not None
    )
