"""Addresses of people and machines on networks: e-mail, links, IP addresses, names people go by there."""

import ipaddress
import re
from collections.abc import Iterator

from nura_rt.pipeline.pii.bounds import capped
from nura_rt.pipeline.pii.page import Found, Page
from nura_rt.pipeline.pii.patterns import any_of

_LOCAL = r"[\w.+%'-]"
_LOCAL_BACKWARDS = re.compile(rf"{_LOCAL}{{1,64}}")
_PROVIDER = any_of(
    """gmail googlemail hotmail outlook yahoo ymail icloud proton protonmail live aol gmx web msn me mail
    fastmail posteo"""
)
# With spaces around the @ only at a mail provider: "see you @ the.bar" is no address.
_AT_DOMAIN = re.compile(
    rf"@(?:[\w-]{{1,63}}\.){{1,8}}[^\W\d_][\w-]{{1,62}}| ?@ ?{_PROVIDER}\.[a-z]{{2,3}}(?:\.[a-z]{{2}})?(?!\w)"
)
# Said aloud or against harvesters: "ana dot lopez at mail dot com", "ana(at)mail(dot)com", "ana arroba mail punto es".
_AT = r"(?: ?(?:\(at\)|\[at\]|\{at\}) ?| at | arroba )"
_DOT = r"(?: ?(?:\(dot\)|\[dot\]|\{dot\}|\(punto\)) ?| dot | punto )"
_NOT_LOCAL = any_of(
    "me us him her them it is was be been am are look email mail reach write here address account not"
)
_SPELLED = re.compile(
    rf"(?<![\w.+-])(?!{_NOT_LOCAL} ?[\[({{a])[\w.+-]{{1,40}}(?:{_DOT}[\w+-]{{1,40}}){{0,4}}{_AT}[\w-]{{2,40}}"
    rf"(?:(?:{_DOT}|\.)[a-z]{{2,15}}){{1,3}}\b"
)

_REST = r"[^\s<>\"\x7f]+"
# Each begins with what a search finds fast; what stands before is read backwards.
_URL = re.compile(rf"://{_REST}")
_WWW = re.compile(rf"www\.(?<!\w....){_REST}")
_BARE_PATH = re.compile(rf"\.[a-z]{{2,15}}/(?!/){_REST}")
_SCHEME_BACKWARDS = re.compile(r"[a-z+]{1,9}")
_HOST_BACKWARDS = re.compile(r"[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,3}(?![\w@./-])")
_HOST = re.compile(r"(?:[a-z+]+://)?(?:www\.)?([\w.-]+)(?::\d+)?/?")
# Where the name before the service is a person's own: ana.blogspot.com.
_OWN_PAGES = re.compile(
    r"[\w-]+\.(?:blogspot|wordpress|tumblr|substack|github|gitlab|wixsite|weebly|carrd|neocities|livejournal|medium|ghost"
    r"|webflow|netlify|vercel|myshopify|bandcamp|deviantart|itch|jimdosite|jimdofree|squarespace)\.\w+(?:\.\w+)?"
)
_ENDS = ".,;:!?)]}'*_~"

_IPV4 = re.compile(r"\d(?<![\w.].)\d{0,2}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])")
_VERSION = re.compile(r"(?:version|release|build|firmware|update|v\.?) ?$")


def emails(page: Page) -> Iterator[Found]:
    """Written with @, or spelled."""
    lower = page.lower
    if "@" in lower:
        yield from capped(_AT_DOMAIN, lower, _written)
    if " at" in lower or "at)" in lower or "at]" in lower or "at}" in lower or "arroba" in lower:
        yield from capped(_SPELLED, lower, _spelled)


def links(page: Page) -> Iterator[Found]:
    """Links to more than the front page of a site: a path, a query or a personal subdomain may say who."""
    lower = page.lower
    if "://" in lower:
        yield from capped(_URL, lower, _with_scheme)
    if "www." in lower:
        yield from capped(_WWW, lower, _personal)
    if "/" in lower:
        yield from capped(_BARE_PATH, lower, _with_path)


def machines(page: Page) -> Iterator[Found]:
    """IP addresses; a version of a program is none."""
    if page.lower.count(".") >= 3:
        yield from capped(_IPV4, page.lower, _ip)
    if page.lower.count(":") >= 2:
        yield from capped(_IPV6, page.lower, _ip)


def _written(match: re.Match[str]) -> Found | None:
    """The part before the @ is read backwards: forwards, every sign would be a beginning."""
    start = match.start()
    before = _LOCAL_BACKWARDS.match(match.string[max(0, start - 64) : start][::-1])
    return Found("EMAIL", start - len(before[0]), match.end()) if before else None


def _spelled(match: re.Match[str]) -> Found:
    return Found("EMAIL", *match.span())


def _with_scheme(match: re.Match[str]) -> Found | None:
    scheme = _SCHEME_BACKWARDS.match(match.string[max(0, match.start() - 9) : match.start()][::-1])
    return _personal(match, match.start() - len(scheme[0])) if scheme else None


def _with_path(match: re.Match[str]) -> Found | None:
    start = match.start()
    host = _HOST_BACKWARDS.match(match.string[max(0, start - 256) : start][::-1])
    return _trimmed(match, start - len(host[0])) if host else None


def _personal(match: re.Match[str], start: int | None = None) -> Found | None:
    """Nothing for the front page of a site that many people look at."""
    found = _trimmed(match, match.start() if start is None else start)
    host = _HOST.fullmatch(match.string, found.start, found.end)
    return None if host and not _OWN_PAGES.fullmatch(host[1]) else found


def _trimmed(match: re.Match[str], start: int) -> Found:
    return Found("URL", start, match.start() + len(match[0].rstrip(_ENDS)))


def _ip(match: re.Match[str]) -> Found | None:
    value = match[0]
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return None
    signs = sum(map(str.isalnum, value))
    if value.count(":") in range(2, 7) and (
        signs < 4 or not value.islower() or not any(map(str.isdigit, value))
    ):
        return None  # "12::30", "dad::bad"
    if _VERSION.search(match.string[max(0, match.start() - 12) : match.start()]):
        return None
    return Found("IP", *match.span())
