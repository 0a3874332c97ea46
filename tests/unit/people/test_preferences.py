"""How large a person's JSON may be, and which of it are words."""

from typing import Any

import pytest

from nura_rt.people import preferences
from nura_rt.protocol.problem import Refusal


def nested(depth: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"a": value}


@pytest.mark.parametrize("given", [{}, nested(5), {"a": "x" * 8_000}, {"a": [{}, []]}])
def test_what_is_within_the_bounds_is_kept(given: dict[str, Any]) -> None:
    preferences.check("field", given)


@pytest.mark.parametrize(
    "given",
    [nested(6), nested(50_000), {"a": "x" * 8_200}, {"a": "\x00"}, {"\x00": 1}, {"a": [{"b": "\x00"}]}],
)
def test_what_is_not_names_the_field_and_the_rule(given: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        preferences.check("field", given)

    assert (refused.value.problem.status, refused.value.problem.field) == (400, "field")
    assert refused.value.problem.rule


def test_every_key_and_every_string_are_words() -> None:
    given = {"a": ["b", {"c": "d", "e": None}], "f": {"g": 1}}

    assert list(preferences.texts(given)) == ["a", "b", "c", "d", "e", "f", "g"]
    assert list(preferences.texts(nested(50_000))) == ["a"]
