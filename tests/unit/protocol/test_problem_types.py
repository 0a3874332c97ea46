"""Every way REST says no has its line in docs/rest.md: a `type` is a promise."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TYPES = re.compile(r'(?:Refusal\(\s*\d{3},|Problem\(\s*)\s*"(?:/problems/)?([a-z-]+)"')
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "nura_rt").rglob("*.py")))
PAGE = (ROOT / "docs" / "rest.md").read_text("utf-8")


@pytest.mark.parametrize("slug", sorted(set(TYPES.findall(SOURCES))))
def test_a_problem_type_stands_in_the_page(slug: str) -> None:
    assert f"`/problems/{slug}`" in PAGE


def test_types_are_found() -> None:
    assert {"not-found", "unknown", "internal", "taken"} <= set(TYPES.findall(SOURCES))
