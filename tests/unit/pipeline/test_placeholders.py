"""Placeholders are given once, come back as values, and cannot be forged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.pipeline.placeholders import TYPES, Placeholders, PlaceholdersError, escaped, unnumbered


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("PHONE", "(415) 555-0132", "415.555.0132"),
        ("CARD", "4111 1111 1111 1111", "4111111111111111"),
        ("IBAN", "DE89 3704", "de893704"),
        ("ACCOUNT", "VG-417/2022", "vg4172022"),
        ("PERSON", "Ana  Ruiz", "ana ruiz"),
        ("HANDLE", "@Ana_R", "ana_r"),
        ("EMAIL", "Ana@Example.org", "ana@example.org"),
    ],
)
def test_two_spellings_of_a_value_share_a_placeholder(type: str, one: str, other: str) -> None:
    placeholders = Placeholders()

    given = placeholders.assign(type, one)

    assert placeholders.assign(type, other) == given == f"<{type}_1>"
    assert placeholders.restore(given) == one
    assert len(placeholders) == 1


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("PERSON", "Ana", "Ana Ruiz"),
        ("PHONE", "4155550132", "4155550133"),
        ("PHONE", "four one", "five one"),
        ("NUMBER", "1 2 then 3", "1 2 and 3"),
        ("URL", "https://x.org/A", "https://x.org/a"),
    ],
)
def test_two_values_have_two_placeholders(type: str, one: str, other: str) -> None:
    placeholders = Placeholders()

    assert placeholders.assign(type, one) != placeholders.assign(type, other)


def test_each_type_counts_for_itself() -> None:
    placeholders = Placeholders()

    given = [placeholders.assign(type, "7") for type in ("PERSON", "PHONE", "PHONE", "PERSON")]

    assert given == ["<PERSON_1>", "<PHONE_1>", "<PHONE_1>", "<PERSON_1>"]


def test_no_other_type_is_given() -> None:
    with pytest.raises(KeyError):
        Placeholders().assign("PLANET", "Mars")


def test_a_restored_value_is_not_looked_into_again() -> None:
    placeholders = Placeholders()
    placeholders.assign("PERSON", "<PHONE_1>")
    placeholders.assign("PHONE", "4155550132")

    assert placeholders.restore("<PERSON_1> <PHONE_1>") == "<PHONE_1> 4155550132"


@pytest.mark.parametrize(
    "text", ["<PERSON_2>", "<PERSON_0>", "<PERSON_01>", "<PHONE_1>", "<person_1>", "\u2039PERSON_1\u203a"]
)
def test_only_what_was_given_is_restored(text: str) -> None:
    placeholders = Placeholders()
    placeholders.assign("PERSON", "Ana")

    assert placeholders.restore(text) == text


def test_a_typed_placeholder_is_escaped_once() -> None:
    typed = "I am <PERSON_1>, <<CARD_12>> and <PERSON_x>"

    assert escaped(typed) == "I am \u2039PERSON_1\u203a, <\u2039CARD_12\u203a> and <PERSON_x>"
    assert escaped(escaped(typed)) == escaped(typed)


@given(st.lists(st.tuples(st.sampled_from(TYPES), st.text(min_size=1))))
def test_stored_placeholders_are_the_same_again(values: list[tuple[str, str]]) -> None:
    placeholders = Placeholders()
    given = [placeholders.assign(*value) for value in values]

    again = Placeholders.from_builtins(placeholders.to_builtins())

    assert [again.assign(*value) for value in values] == given
    assert again.to_builtins() == placeholders.to_builtins()
    assert [again.restore(one) for one in given] == [placeholders.restore(one) for one in given]


@pytest.mark.parametrize(
    "stored", [{"PLANET": ["Mars"]}, {"PERSON": "Ana"}, {"PERSON": [1]}, ["PERSON"], None]
)
def test_anything_else_is_refused(stored: Any) -> None:
    with pytest.raises(PlaceholdersError):
        Placeholders.from_builtins(stored)


def test_a_copy_grows_alone() -> None:
    placeholders = Placeholders()
    placeholders.assign("PERSON", "Ana")

    other = placeholders.copy()
    other.assign("PERSON", "Bob")

    assert other.assign("PERSON", "ana") == "<PERSON_1>"
    assert (len(placeholders), len(other)) == (1, 2)
    assert placeholders.assign("PERSON", "Carla") == "<PERSON_2>"


def test_a_placeholder_that_was_not_kept_has_no_number() -> None:
    assert unnumbered("<PERSON_1>, <NATIONAL_ID_12> and \u2039PERSON_1\u203a") == (
        "<PERSON>, <NATIONAL_ID> and \u2039PERSON_1\u203a"
    )
