"""Identifiers announced by what they are: "my nhs number is ...", "case no. ...", "pin: ...".

What is announced as an identifier is one, whatever its check digit says: people mistype.
"""

import re
from collections.abc import Iterator

from nura_rt.pipeline.pii.births import DATE
from nura_rt.pipeline.pii.bounds import each
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.patterns import any_of

# Between the announcement and the identifier: "number", "no.", "#", "is", ", its", "on file is".
_LINK_WORDS = any_of(
    """number numbers num no nr nro # id code card ref reference is it's its it is was are es era son ist
    lautet est c'est e numero nummer personal social on file for this the my mi a del de la el con with
    ending in just that's thats s 's"""
)
_LINK = rf"((?:[ ,:;=(#.-]{{0,3}}{_LINK_WORDS}(?![a-z\d])){{0,7}})[ ,:;=(#.]{{0,4}}"
# Signs that may join the parts; a part behind a space needs a digit near its beginning.
_IDENTIFIER = (
    r"([a-z\d]{1,24}(?:[-/._·][a-z\d]{1,20}|[ ](?=[a-z]{0,2}\d)[a-z\d]{2,20}|[ ][a-z](?![\w'])){0,8})"
)
_AFTER = re.compile(rf"{_LINK}{_IDENTIFIER}(?!\w)")
# A long one in the same clause, unless a phone is spoken of on the way.
_CLAUSE = r"[^.!?\n\d\x7f]"
_PHONE = r"\b(?:call|phone|text|ring|cell|mobile|tel|whatsapp|movil)\b"
_LATER = re.compile(
    rf"(?!{_CLAUSE}{{0,30}}{_PHONE}){_CLAUSE}{{1,30}}(?<![a-z\d])"
    r"([a-z]{0,3}\d[\d .\-/]{5,20}\d[- ]?[a-z]?|[a-z]{0,3}\d{7,12}[a-z]?)(?!\w)"
)
_BEFORE = re.compile(
    rf"(?<![\w.-]){_IDENTIFIER},? ?(?:(?:is|was|es|that's|thats|=|-) ?)?(?:(?:my|mi|his|her|the|el|la|our) ?)?$"
)
_NUMBERED = re.compile(r"\b(?:number|num|no|nr|nro|id|code|numero|nummer|ref|reference)\b|[#:]")
_DATE = re.compile(DATE)
_LETTER_BEHIND = re.compile(r" [a-z]$")
_SECRET = re.compile(rf"{_LINK}(\d[\d -]{{2,14}}\d)(?!\w)")
_POSTCODE = re.compile(
    rf"{_LINK}(\d{{4,6}}(?:-\d{{3,4}})?|[a-z]{{1,2}}\d[a-z\d]? ?\d[a-z]{{2}})(?!\w|[ .-]?\d)"
)


def announced(page: Page) -> Iterator[Found]:
    """Numbers of states, accounts and records, secret numbers, postcodes."""
    for kind, read in (
        ("ssn", _social),
        ("national", _national),
        ("account", _account),
        ("secret", _secret),
        ("postcode", _postcode),
    ):
        if kind in page.kinds:
            yield from each(page, kind, read)


def _social(page: Page, start: int, end: int) -> Found | None:
    found = _identifier(page, "SSN", start, end)
    return found if found and sum(map(str.isdigit, page.lower[found.start : found.end])) == 9 else None


def _national(page: Page, start: int, end: int) -> Found | None:
    return _identifier(page, "NATIONAL_ID", start, end)


def _account(page: Page, start: int, end: int) -> Found | None:
    return _identifier(page, "ACCOUNT", start, end)


def _secret(page: Page, start: int, end: int) -> Found | None:
    match = _SECRET.match(page.lower, end)
    return Found("NUMBER", *match.span(2)) if match else None


def _postcode(page: Page, start: int, end: int) -> Found | None:
    match = _POSTCODE.match(page.lower, end)
    return Found("ADDRESS", *match.span(2)) if match else None


def _identifier(page: Page, type: str, start: int, end: int) -> Found | None:
    match = _AFTER.match(page.lower, end)
    if match and _is_one(page, type, match[2], bool(_NUMBERED.search(match[1])), match.span(2)):
        return _trimmed(page, type, *match.span(2))
    match = _BEFORE.search(page.lower, max(0, start - 70), start)
    if match and _is_one(page, type, match[1], True, match.span(1)):
        return _trimmed(page, type, *match.span(1))
    match = _LATER.match(page.lower, end) if type != "SSN" else None
    if match and _is_one(page, type, match[1], True, match.span(1)):
        return _trimmed(page, type, *match.span(1))
    return None


def _is_one(page: Page, type: str, value: str, numbered: bool, place: tuple[int, int]) -> bool:
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if _DATE.fullmatch(value):
        return False
    if type == "NATIONAL_ID":
        return digits >= 6 or (digits >= 4 and letters >= 3)
    mixed = letters > 0 and digits >= 3 and not page.text[place[0] : place[1]].islower()
    return digits >= 5 or mixed or (numbered and digits >= 4)


def _trimmed(page: Page, type: str, start: int, end: int) -> Found:
    """Without a lone word of one letter behind it, unless that is a capital: the end of a national number."""
    if _LETTER_BEHIND.search(page.lower[start:end]) and not page.text[end - 1].isupper():
        end -= 2
    return Found(type, start, end)
