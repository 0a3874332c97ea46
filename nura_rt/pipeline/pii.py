"""Finds personal data in a message and replaces it by typed placeholders (`<PHONE_1>`), stable in one text.

Rather one number too many than one too few; dates, times, ages, money and doses stay. Every regex is bounded.
"""

import ipaddress
import re
from collections.abc import Iterator

from stdnum import iban, luhn

from nura_rt.pipeline.names import NameFinder
from nura_rt.pipeline.turn import PiiSpan

_STREETS = (" street", " st ", " st.", " st,", " ave", " road", " rd ", " rd.", " rd,", " boulevard", " blvd")
_MORE_STREETS = (" lane", " ln ", " highway", " hwy", " parkway")
_CALLES = ("calle", "avenida", "plaza", "paseo")
_CAPITAL_STREETS = (" Dr", " Court", " Ct", " Way", " Pl", " Square", " Terrace", " Close")
_DIGIT = re.compile(r"\d")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_SPELLED_EMAIL = re.compile(
    r"(?<![\w.])(?:[\w+-]{1,30} dot ){0,2}[\w.+-]{2,40} ?(?:\(at\)|\[at\]| at ) ?[\w-]{2,30} ?"
    r"(?:\(dot\)|\[dot\]|\.| dot ) ?(?:com|net|org|es|edu)\b",
    re.I,
)
_URL = re.compile(r"(?:\bhttps?://|\bwww\.)[^\s<>\"]{1,2000}", re.I)
_IBAN = re.compile(r"\b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?\b", re.I)
_SSN = re.compile(r"\d{3}([- ])\d{2}\1\d{4}")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:])", re.I)
_NUMBER = re.compile(r"(?<![\w.,])[+(]{0,2}\d(?:[ ().\-/]{0,3}\d){6,18}(?![\w])")
_MIDDLE = (
    r"(?:(?!(?:on|the|in|down|at|of|and|to|a|my|from|times|blocks|people|minutes?|hours?|days?|years?) )"
    r"[\w'.-]{1,30} {1,2}){1,4}"
)
_ADDRESS = re.compile(
    rf"\b\d{{1,5}}[a-z]? {{1,2}}{_MIDDLE}(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|highway|hwy|parkway)\b"
    r"(?:,? {1,2}(?:apt|apartment|unit|suite|floor|#)\.? ?\w{1,6})?",
    re.I,
)
_ADDRESS_CAPITAL = re.compile(
    r"\b\d{1,5}[A-Za-z]? {1,2}(?:[A-Z][\w'.-]{0,30} {1,2}){1,3}"
    r"(?:Drive|Dr|Court|Ct|Way|Place|Pl|Square|Terrace|Close)\b"
)
_CALLE = re.compile(
    r"\b(?:calle|avenida|plaza|paseo) [\w ]{2,40}?,? (?:n[úu]m\.? |n[º°] ?|# ?)?\d{1,4}\b", re.I
)

_DATE = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?: \d{1,2})?")
_YEARS = re.compile(r"(?:19|20)\d{2}(?: ?[-/] ?| )(?:19|20)\d{2}")
_UNIT_AFTER = re.compile(
    r" ?(?:mg|mcg|ml|kg|g|iu|cm|mm|km|units|steps"
    r"|calories|kcal|%|€|£|dollars|usd|eur|euros|pounds|bucks|pesos|views|people)(?!\w)",
    re.I,
)
_MONEY_BEFORE = re.compile(r"[$€£¥] ?$")
_DIGITS_ONLY = re.compile(r"\D+")
_GROUPS = re.compile(r"\d+")

_Found = tuple[str, int, int]


class PiiFilter:
    """Finds and replaces; holds no text. Offsets are code points of the text it was given."""

    def __init__(self, names: NameFinder) -> None:
        self._names = names

    def find(self, text: str) -> tuple[PiiSpan, ...]:
        """Spans in order, without overlap; every other occurrence of a found value is a span as well."""
        found = [("PERSON", start, end) for start, end in self._names.find(text)]
        if "@" in text:
            found += [("EMAIL", *match.span()) for match in _EMAIL.finditer(text)]
        if _maybe_spelled(text):
            found += [("EMAIL", *match.span()) for match in _SPELLED_EMAIL.finditer(text)]
        if "://" in text or "www." in text.lower():
            found += [("URL", *_trimmed(text, match)) for match in _URL.finditer(text)]
        if _DIGIT.search(text):
            found += _with_digits(text)
        if not found:
            return ()
        return _repeats(text, _joined(found))

    def redact(self, text: str, spans: tuple[PiiSpan, ...]) -> str:
        """`text` with each of `spans` replaced; equal values of a type get the same placeholder."""
        if not spans:
            return text
        names: dict[tuple[str, str], str] = {}
        parts: list[str] = []
        end = 0
        for span in spans:
            key = (span.type, _key(span.type, text[span.start : span.end]))
            if key not in names:
                names[key] = _placeholder(span.type, text, names)
            parts += [text[end : span.start], names[key]]
            end = span.end
        return "".join([*parts, text[end:]])


def _maybe_spelled(text: str) -> bool:
    at = " at " in text or "(at)" in text or "[at]" in text
    return at and ("dot" in text or ".com" in text or ".net" in text or ".org" in text)


def _with_digits(text: str) -> Iterator[_Found]:
    lowered = f"{text} ".lower()
    if any(map(lowered.__contains__, _STREETS + _MORE_STREETS)):
        yield from (("ADDRESS", *match.span()) for match in _ADDRESS.finditer(text))
    if any(map(lowered.__contains__, _CALLES)):
        yield from (("ADDRESS", *match.span()) for match in _CALLE.finditer(text))
    if any(map(text.__contains__, _CAPITAL_STREETS)):
        yield from (("ADDRESS", *match.span()) for match in _ADDRESS_CAPITAL.finditer(text))
    for sign, regex in ((".", _IPV4), (":", _IPV6)):
        if text.count(sign) >= 3:
            yield from (("IP", *match.span()) for match in regex.finditer(text) if _is_address(match[0]))
    if sum(map(str.isdigit, text)) < 7:
        return
    for match in _IBAN.finditer(text):
        end = _iban_end(match[0])
        if end:
            yield "IBAN", match.start(), match.start() + end
    for match in _NUMBER.finditer(text):
        label = _number_type(text, match)
        if label:
            yield label, *match.span()


def _iban_end(candidate: str) -> int:
    """Length of the valid IBAN at the start of `candidate`, 0 for none: a word may have been caught behind it."""
    while candidate:
        if iban.is_valid(candidate):
            return len(candidate)
        candidate = candidate.rpartition(" ")[0]
    return 0


def _is_address(candidate: str) -> bool:
    try:
        ipaddress.ip_address(candidate)
    except ValueError:
        return False
    return sum(sign.isalnum() for sign in candidate) >= 4


def _number_type(text: str, match: re.Match[str]) -> str | None:
    """CARD, PHONE or NUMBER; None for dates, years, money and doses."""
    value = match[0].strip()
    digits = _DIGITS_ONLY.sub("", value)
    if _SSN.fullmatch(value):
        return "SSN"
    if 13 <= len(digits) <= 19 and digits.isascii() and luhn.is_valid(digits):
        return "CARD"
    if _DATE.fullmatch(value) or _YEARS.fullmatch(value):
        return None
    if _UNIT_AFTER.match(text, match.end()) or _MONEY_BEFORE.search(
        text[max(0, match.start() - 2) : match.start()]
    ):
        return None
    if all(len(group) == 1 for group in _GROUPS.findall(value)):
        return None
    return "PHONE" if len(digits) <= 16 else "NUMBER"


def _trimmed(text: str, match: re.Match[str]) -> tuple[int, int]:
    return match.start(), match.start() + len(match[0].rstrip(".,;:!?)]}'"))


def _joined(found: list[_Found]) -> list[PiiSpan]:
    """In order of place; what overlaps becomes one span with the type of the longer part."""
    spans: list[PiiSpan] = []
    for kind, start, end in sorted(found, key=lambda item: (item[1], -item[2])):
        if spans and start < spans[-1].end:
            last = spans[-1]
            longer = kind if end - start > last.end - last.start else last.type
            spans[-1] = PiiSpan(longer, last.start, max(end, last.end))
        else:
            spans.append(PiiSpan(kind, start, end))
    return spans


def _repeats(text: str, spans: list[PiiSpan]) -> tuple[PiiSpan, ...]:
    values = {text[span.start : span.end]: span.type for span in spans}
    if sum(map(text.count, values)) == len(spans):
        return tuple(spans)
    found: list[_Found] = [(span.type, span.start, span.end) for span in spans]
    for value, kind in values.items():
        whole = rf"(?<!\w){re.escape(value)}(?!\w)" if kind == "PERSON" else re.escape(value)
        found += [(kind, *match.span()) for match in re.finditer(whole, text)]
    return tuple(_joined(found))


def _key(kind: str, value: str) -> str:
    return _DIGITS_ONLY.sub("", value) if kind in ("PHONE", "CARD", "SSN", "NUMBER") else value.casefold()


def _placeholder(kind: str, text: str, taken: dict[tuple[str, str], str]) -> str:
    number = 1 + sum(1 for used, _ in taken if used == kind)
    while f"<{kind}_{number}>" in text or f"<{kind}_{number}>" in taken.values():
        number += 1
    return f"<{kind}_{number}>"
