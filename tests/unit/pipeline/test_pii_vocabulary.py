"""Ordinary words and their forms are known; given names are not."""

import tomllib
from importlib.resources import files

import pytest

from nura_rt.pipeline.pii.fold import plain_word
from nura_rt.pipeline.pii.vocabulary import Vocabulary, inflected


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.load()


@pytest.mark.parametrize(
    "word",
    ["always", "keeps", "yelling", "hugged", "cries", "making", "tired", "selfish", "siempre", "mom's"],
)
def test_ordinary_words_are_known(vocabulary: Vocabulary, word: str) -> None:
    assert vocabulary.knows(word)


def test_no_given_name_is_an_ordinary_word(vocabulary: Vocabulary) -> None:
    words = tomllib.loads(files("nura_rt.pipeline.pii").joinpath("names.toml").read_text(encoding="utf-8"))

    assert [name for name in words["given"].split() if vocabulary.knows(plain_word(name))] == []


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("cry", {"cry", "cries", "cried", "crying"}),
        ("hug", {"hug", "hugs", "huged", "huging", "hugged", "hugging"}),
        ("make", {"make", "makes", "maked", "making", "makely"}),
        ("of", {"of"}),
    ],
)
def test_a_base_form_has_its_regular_forms(base: str, forms: set[str]) -> None:
    assert set(inflected(base)) == forms
