"""What the source says beside each field of a frame. The words are written once, where the field is."""

import inspect
import re
import sys
from itertools import dropwhile, takewhile
from typing import Any

_FIELD = re.compile(r"    (\w+): [^#]*?(?:  # (.*))?")
_ABOVE = re.compile(r"    # (.*)")


def comments(struct: type[Any]) -> dict[str, str]:
    """Field name -> the comment above it or beside it. Empty where there is no source to read."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in _body(struct):
        if comment := _ABOVE.fullmatch(line):
            above.append(comment[1])
            continue
        if field := _FIELD.fullmatch(line):
            words = " ".join([*above, field[2] or ""]).strip()
            found |= {field[1]: words} if words else {}
        above = []
    return found


def _body(struct: type[Any]) -> list[str]:
    """The lines of its class. Cut out of the module, which `inspect` keeps: its own way parses the file each time."""
    try:
        lines, _ = inspect.findsource(sys.modules[struct.__module__])
    except OSError:
        return []
    began = dropwhile(lambda line: not line.startswith(f"class {struct.__name__}("), lines)
    next(began, None)
    return [line.rstrip("\n") for line in takewhile(lambda line: line[0] in " \n", began)]
