"""The data files: every sentence that can be said is fit to be said."""

import re

import pytest

from nura_rt.assistant.lexicon import LANGUAGES, Language, lexicon

SLOTS = {"feel", "Feel", "word", "Word", "clause", "Clause", "noun", "list"}
SENTENCES = [(lang, pool, s) for lang in LANGUAGES for pool, said in lexicon(lang).say.items() for s in said]
QUESTIONS = re.compile(r"_ask(_|$)|^ask_|^soft_(ask|open)$|^safe_open$|^offer$")
EXERCISE = re.compile(r"_\d$")


def test_both_languages_have_the_same_pools() -> None:
    assert lexicon("en").say.keys() == lexicon("es").say.keys()


def test_no_sentence_has_an_exclamation_mark_or_an_unknown_slot() -> None:
    bad = [s for _, _, s in SENTENCES if "!" in s or "¡" in s or set(re.findall(r"\{(\w+)\}", s)) - SLOTS]

    assert bad == []


def test_questions_ask_once_and_statements_do_not_ask() -> None:
    bad = [
        (pool, s)
        for _, pool, s in SENTENCES
        if s.count("?") > 1 or (not EXERCISE.search(pool) and s.endswith("?") != bool(QUESTIONS.search(pool)))
    ]

    assert bad == []


def test_a_sentence_is_one_sentence() -> None:
    bad = [s for _, pool, s in SENTENCES if not EXERCISE.search(pool) and re.search(r"[.?]\s", s)]

    assert bad == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_stands_in_two_pools(language: Language) -> None:
    said = [s for lang, pool, s in SENTENCES if lang == language and not pool.startswith("mirror")]

    assert sorted(said) == sorted(set(said))


def test_spanish_questions_open_as_they_close() -> None:
    assert [s for lang, _, s in SENTENCES if lang == "es" and s.count("?") != s.count("¿")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_and_feeling_has_something_to_say_and_to_ask(language: Language) -> None:
    words = lexicon(language)
    subjects = (words.topics.keys() | words.signs.feelings.keys()) - {"okay"}

    assert [s for s in sorted(subjects) if f"{s}_see" not in words.say or f"{s}_ask" not in words.say] == []
