"""The mood files can be read, and hold together."""

import pytest

from nura_rt.pipeline.mood.files import Base, Group, fold, vader_emoji, vader_words


@pytest.fixture(scope="module")
def base() -> Base:
    return Base.read()


def test_each_language_has_several_hundred_words_of_its_own(base: Base) -> None:
    english, spanish = (
        {word for file in language.group_files() for group in file.group for word in group.table()}
        for language in (base.en, base.es)
    )

    assert len(english) > 500
    assert len(spanish) > 2000


def test_words_and_phrases_are_written_as_texts_are_read(base: Base) -> None:
    for language in (base.en, base.es):
        for file in language.group_files():
            for group in file.group:
                for text in (
                    group.words,
                    group.adjectives,
                    group.verbs,
                    *group.phrases,
                    *file.classes.values(),
                ):
                    assert text == fold(text).lower().replace("'", ""), text


def test_only_the_groups_of_irony_and_of_empty_words_have_no_valence(base: Base) -> None:
    groups = [
        group for language in (base.en, base.es) for file in language.group_files() for group in file.group
    ]

    assert all(-4 <= group.valence <= 4 for group in groups)
    assert all(not group.words for group in groups if not group.valence)


def test_words_of_a_group_take_their_endings() -> None:
    group = Group("test", 1.5, words="feliz", adjectives="contento", verbs="reir")

    assert {"feliz", "contentas", "riendo", "reirme"} - set(group.table()) == {"riendo"}
    assert set(group.table().values()) == {1.5}


def test_signs_are_read_as_words_and_letters_without_accents(base: Base) -> None:
    signs = base.signs.table()

    assert signs["é"] == "e"
    assert signs["Ñ"] == "N"
    assert signs["¿"] == " "
    assert signs["😍"].strip()
    assert all(text.isascii() for text in signs.values())


def test_no_function_word_tells_both_languages(base: Base) -> None:
    assert not base.en.marks() & base.es.marks()


def test_vaders_lists_come_from_its_package() -> None:
    assert vader_words()["good"] == 1.9
    assert "face" in vader_emoji()["😀"]
