"""The page's files keep the rules that no browser would complain about."""

import re
from pathlib import Path

import pytest

import nura_rt.web

WEB = Path(nura_rt.web.__file__).parent
SCRIPTS = sorted(WEB.glob("*.js"))
PAGE = (WEB / "index.html").read_text()


def keys(language: str) -> list[str]:
    """The names of the sentences in one language, in order."""
    return re.findall(r"^  (\w+):", (WEB / f"words.{language}.js").read_text(), re.MULTILINE)


def test_english_and_spanish_say_the_same_sentences() -> None:
    english, spanish = keys("en"), keys("es")

    assert english == spanish
    assert len(english) == len(set(english)) > 50


@pytest.mark.parametrize("attribute", ["data-word", "data-label", "data-placeholder"])
def test_the_page_names_only_sentences_that_exist(attribute: str) -> None:
    named = set(re.findall(rf'{attribute}="(\w+)"', PAGE))

    assert named
    assert named <= set(keys("en"))


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_sentence_shouts(language: str) -> None:
    text = (WEB / f"words.{language}.js").read_text()

    assert "!" not in text
    assert "¡" not in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_says_what_it_is(script: Path) -> None:
    lines = script.read_text().splitlines()

    assert len(lines) < 300
    assert lines[0].startswith("/**")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_turns_text_into_markup_or_code(script: Path) -> None:
    text = script.read_text()

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )


def test_the_page_has_no_inline_script_or_style_and_loads_nothing_from_elsewhere() -> None:
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", PAGE, re.DOTALL)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', PAGE)

    assert [body for _, body in scripts if body.strip()] == []
    assert not re.search(r"<style|\sstyle=|\son\w+=", PAGE)
    assert [a for a in addresses if not a.startswith(("/assets/", "#"))] == []


def test_every_file_the_page_and_its_scripts_name_is_there() -> None:
    named = set(re.findall(r'"/assets/([\w.-]+)"', PAGE))
    for script in SCRIPTS:
        named |= set(re.findall(r'from "\./([\w.-]+)"', script.read_text()))

    missing = sorted(name for name in named if not (WEB / name).is_file())

    assert missing == []
