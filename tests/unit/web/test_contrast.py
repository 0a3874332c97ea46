"""Every pair of colours that meets on the page can be read, in light and in dark."""

import re
from pathlib import Path

import pytest

import nura_rt.web

WEB = Path(nura_rt.web.__file__).parent
STYLE = (WEB / "style.css").read_text()
TOKEN = re.compile(r"--([a-z-]+): (#[0-9A-F]{6});")
LIGHT = dict(TOKEN.findall(STYLE.split("@media (prefers-color-scheme: dark)")[0]))
DARK = dict(TOKEN.findall(STYLE.split("@media (prefers-color-scheme: dark)")[1]))
SCHEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
PAIRS = [
    # text, ground, least ratio
    ("ink", "paper", 12.0),
    ("ink", "surface", 12.0),
    ("ink", "accent-soft", 10.5),
    ("ink-soft", "paper", 4.5),
    ("ink-soft", "surface", 4.5),
    ("ink-soft", "accent-soft", 4.5),
    ("accent", "paper", 4.5),
    ("accent", "surface", 4.5),
    ("accent", "accent-soft", 4.5),
    ("paper", "accent", 4.5),
    ("care", "care-soft", 4.5),
    ("care-soft", "care", 4.5),
    ("stop", "paper", 4.5),
    ("stop", "surface", 4.5),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB`, as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Between 1 and 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_largest_contrast() -> None:
    ratio = contrast("#000000", "#FFFFFF")

    assert ratio == pytest.approx(21.0)


@pytest.mark.parametrize("tokens", SCHEMES)
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS, ids=lambda value: str(value))
def test_a_text_can_be_read_on_its_ground(
    tokens: dict[str, str], text: str, ground: str, least: float
) -> None:
    ratio = contrast(tokens[text], tokens[ground])

    assert ratio >= least


def test_light_and_dark_name_the_same_colours() -> None:
    names = set(LIGHT)

    assert names == set(DARK)


def test_every_colour_but_the_hairline_is_in_the_table_of_pairs() -> None:
    tested = {name for text, ground, _ in PAIRS for name in (text, ground)}

    assert set(LIGHT) - tested == {"line"}


@pytest.mark.parametrize("name", ["style.css", "room.css"])
def test_a_colour_is_written_only_as_a_token(name: str) -> None:
    rules = [line for line in (WEB / name).read_text().splitlines() if not line.strip().startswith("--")]

    strays = [line for line in rules if re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl|oklch", line)]

    assert strays == []


def test_the_browser_chrome_has_the_colour_of_the_paper() -> None:
    page = (WEB / "index.html").read_text()

    colours = re.findall(r'name="theme-color" content="(#\w+)" media="\(prefers-color-scheme: (\w+)\)"', page)

    assert dict((scheme, colour) for colour, scheme in colours) == {
        "light": LIGHT["paper"],
        "dark": DARK["paper"],
    }
