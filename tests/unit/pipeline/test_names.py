"""Names are found behind introductions only."""

import pytest

from nura_rt.pipeline.names import NameFinder


@pytest.fixture(scope="module")
def finder() -> NameFinder:
    return NameFinder.load()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("my name is ana maria", ["ana"]),
        ("My name is Ana Maria Ruiz", ["Ana Maria Ruiz"]),
        ("my best friend Tom and my boss Mr. Gray", ["Tom", "Gray"]),
        ("this is O'Neill.", ["O'Neill"]),
        ("mi hermana Lucía y mi primo Juan", ["Lucía", "Juan"]),
        ("my mom\nAnna", ["Anna"]),
        ("this is Monday", []),
        ("I am American, I am Tired.", []),
        ("my sister is here", []),
        ("MY SISTER ANNA", []),
        ("I'm Running late", []),
    ],
)
def test_a_name_is_what_an_introduction_announces(finder: NameFinder, text: str, names: list[str]) -> None:
    found = dict.fromkeys(text[start:end] for start, end in finder.find(text))

    assert list(found) == names
