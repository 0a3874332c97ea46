"""Names that people go by on platforms: "@ana_r", "my insta is ana_r", "rook#4471"."""

import re
from collections.abc import Iterator

from nura_rt.pipeline.pii.bounds import capped, each
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.patterns import any_of

# "@work", "@ 5pm": a place or a time in chat spelling, nobody's name.
_PLACES = frozenset(
    {
        "home", "work", "school", "uni", "college", "university", "night", "noon", "midnight", "lunch",
        "dinner", "the", "my", "all", "everyone", "here", "channel", "once", "least", "church",
        "hospital", "gym", "party", "parties", "casa", "trabajo", "todos", "me", "you", "him", "her",
        "them", "us", "it", "this", "that", "a", "an"
    }
)  # fmt: skip
_AT = re.compile(r"@(?<![\w@.+-]@)([^\W\d][\w.-]{0,40}\w|\d[\w.]{0,40}[a-z_][\w.]{0,40}\w)")
_REDDIT = re.compile(r"u/(?<![\w.]u/)[\w-]{3,20}")
_DISCORD = re.compile(r"#\d{4}(?!\w)")
_DISCORD_BACKWARDS = re.compile(r"[\w.]{1,31}[^\W\d](?![\w@])")
# "room#1234"
_NOT_DISCORD = frozenset(
    {
        "apt", "apartment", "unit", "suite", "room", "no", "case", "order", "ticket", "bus", "acct",
        "account", "ref", "id", "flat", "number", "channel", "issue", "page", "chapter", "step", "line",
        "invoice", "route", "box", "floor", "lot", "ward", "bed", "reference", "policy", "member",
        "patient", "chart", "file"
    }
)  # fmt: skip
# Between a platform and the name there: "is", ":", "name is", ", add me as".
_LINK_WORDS = any_of(
    r""", : = - 's \( is are es ist id user username name handle tag account me as at under by its it's it there
    called im i'm am i add find follow goes se llama named como soy nombre de usuario cuenta mi my the"""
)
_LINK = rf"(?: {{0,2}}{_LINK_WORDS}(?![a-z](?<=[a-z]{{2}}))){{0,8}} {{0,2}}"
_AFTER = re.compile(rf"{_LINK}(@?[\w.]*[\w-])", re.A)
_IS = re.compile(r"[:=]|\b(?:is|es|ist|called)\b|'s\b")
# With a digit, a dot or a low line: no plain word.
_MARKED = re.compile(r"(?=[\w.]*[\d_.])[\w.]*[a-z][\w.]*\w", re.A)
_TIMES = re.compile(r"\d{1,2}(?:am|pm|h|hrs?|th|st|nd|rd|mg|min|mins|k|x|d|s)")
_BEFORE = re.compile(r"(?<![\w@.])(@?[\w.]{3,40}) (?:on|en|in) (?:my )?$", re.A)


def handles(page: Page) -> Iterator[Found]:
    """Marked by @ or #, or announced by the name of a platform or by "username"."""
    if "@" in page.lower:
        yield from capped(_AT, page.lower, _at)
    if "#" in page.lower:
        yield from capped(_DISCORD, page.lower, _discord)
    if "u/" in page.lower:
        yield from capped(_REDDIT, page.lower, lambda match: Found("HANDLE", *match.span()))
    yield from each(page, "platform", _platform)
    yield from each(page, "username", _username)


def _at(match: re.Match[str]) -> Found | None:
    if match[1] in _PLACES or _TIMES.fullmatch(match[1]):
        return None
    return Found("HANDLE", *match.span())


def _discord(match: re.Match[str]) -> Found | None:
    start = match.start()
    name = _DISCORD_BACKWARDS.match(match.string[max(0, start - 33) : start][::-1])
    if name is None or name[0][::-1] in _NOT_DISCORD:
        return None
    return Found("HANDLE", start - len(name[0]), match.end())


def _platform(page: Page, start: int, end: int) -> Found | None:
    after = _AFTER.match(page.lower, end)
    if after and (after[1].startswith("@") or _is_marked(after[1])):
        return Found("HANDLE", *after.span(1))
    before = _BEFORE.search(page.lower, max(0, start - 60), start)
    if before and _is_marked(before[1]):
        return Found("HANDLE", *before.span(1))
    return None


def _username(page: Page, start: int, end: int) -> Found | None:
    """What follows may look like a word ("username is gloria"), but not without a link: "handle it"."""
    after = _AFTER.match(page.lower, end)
    if after is None or len(after[1]) < 3:
        return None
    linked = _IS.search(page.lower, end, after.start(1))
    return Found("HANDLE", *after.span(1)) if linked or _is_marked(after[1]) else None


def _is_marked(name: str) -> bool:
    return bool(_MARKED.fullmatch(name)) and not _TIMES.fullmatch(name) and not name.endswith(("..", "._"))
