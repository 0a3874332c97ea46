"""Entity tags (RFC 9110, 8.8.3): a name for exactly these bytes, so that a reader who has them gets 304.

A header that breaks the grammar matches nothing: the answer is then sent in full, never wrongly withheld.
"""

import hashlib
import re

# possessive (*+): a header of spaces costs its length, not its square
_ITEM = re.compile(r'[ \t]*+(?:(?:W/)?"([\x21\x23-\x7e\x80-\xff]*+)")?+[ \t]*+(?:,|\Z)')


def of(body: bytes) -> str:
    """The strong tag of `body`, quotes included: the same bytes, the same tag, on every instance."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether the reader has `tag` already (answer 304). `if_none_match`: the header, its lines joined by
    commas; None without one. `*` matches; W/ is ignored on both sides, as GET and HEAD want."""
    if if_none_match is None:
        return False
    if if_none_match.strip(" \t") == "*":
        return True
    wanted = tag.removeprefix("W/")[1:-1]
    found, at = False, 0
    while at < len(if_none_match):
        item = _ITEM.match(if_none_match, at)
        if item is None:
            return False
        found = found or item[1] == wanted
        at = item.end()
    return found
