"""How large a person's JSON of preferences may be. What is in it stays theirs; its text is screened like any words."""

from collections.abc import Iterator
from typing import Any

import msgspec

from nura_rt.protocol.problem import Refusal

BYTES_AT_MOST = 8_192
DEPTH_AT_MOST = 5


def check(field: str, preferences: dict[str, Any]) -> None:
    """Raises Refusal 400, which names `field` and the rule, for what is too large, too deep or holds a NUL."""
    if _depth(preferences) > DEPTH_AT_MOST:
        raise _refusal(field, f"must be at most {DEPTH_AT_MOST} levels deep")
    if len(msgspec.json.encode(preferences)) > BYTES_AT_MOST:
        raise _refusal(field, f"must be at most {BYTES_AT_MOST} bytes of JSON")
    if any("\x00" in text for text in texts(preferences)):
        raise _refusal(field, "must not hold the character NUL")


def texts(value: Any) -> Iterator[str]:
    """Every key and every string in it."""
    left = [value]
    while left:  # not by recursion: what is imported may be nested deeper than a stack
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [part for pair in reversed(one.items()) for part in reversed(pair)]
        elif isinstance(one, list):
            left += reversed(one)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEPTH_AT_MOST:
        nested = [one for one in level if isinstance(one, dict | list)]
        deepest += bool(nested)
        level = [inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)]
    return deepest


def _refusal(field: str, rule: str) -> Refusal:
    return Refusal(400, "invalid", "these preferences cannot be kept", field=field, rule=rule)
