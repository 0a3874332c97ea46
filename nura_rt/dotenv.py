"""Reads a `.env` file: KEY=VALUE lines, comments, quotes. An error names the line and never its value."""

import re
from pathlib import Path

_LINE = re.compile(
    r"(?:(?:export\s+)?(?P<key>[A-Za-z_]\w*)\s*=\s*"
    r"(?:'(?P<single>[^']*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s'\"#]\S*(?:\s+(?!#)\S+)*))?\s*)?(?:#.*)?"
)


class DotenvError(Exception):
    """`place` is the file and line, `rule` what it must be."""

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(f"{place}: {rule}")
        self.place = place
        self.rule = rule


def read(path: Path | None) -> dict[str, str]:
    """The file's variables; none without a file."""
    if path is None or not path.is_file():
        return {}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError):
        raise DotenvError(path.name, "must be a readable UTF-8 file") from None
    found = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DotenvError(f"{path.name} line {number}", "must be KEY=VALUE, a comment or empty")
        if match["key"]:
            escaped = re.sub(r"\\(.)", r"\1", match["double"] or "")
            found[match["key"]] = match["single"] or escaped or match["bare"] or ""
    return found
