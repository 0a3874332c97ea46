"""Names known beforehand are found whole and in parts; dictionary words only where they are names."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames

KNOWN = KnownNames.of(["Xiulan Okoro-Reyes", "José de la Cruz", "Hope Will", "May", "Bo", "王伟", "", " "])


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("then XIULAN and okoro-reyes came", ["XIULAN", "okoro-reyes"]),
        ("xiulan okoro-reyes's dog", ["xiulan okoro-reyes"]),
        ("i saw jose yesterday", ["jose"]),
        ("i saw José yesterday", ["José"]),
        ("then Hope said no", ["Hope"]),
        ("my name is hope", ["hope"]),
        ("when May and Bo came", ["May", "Bo"]),
        ("我看到王伟了", ["王伟"]),
        ("xiu\u200blan left", ["xiu\u200blan"]),
    ],
)
def test_a_known_name_is_found(pii: PiiFilter, text: str, names: list[str]) -> None:
    spans = pii.find(text, KNOWN)

    assert [text[span.start : span.end] for span in spans] == names
    assert {span.type for span in spans} == {"PERSON"}


@pytest.mark.parametrize(
    "text",
    [
        "i hope she will come",
        "Hope is all i have",
        "in May, since May 5 and last May",
        "the bo tree, de la, xiulans",
    ],
)
def test_a_word_of_the_dictionary_is_no_known_name(pii: PiiFilter, text: str) -> None:
    assert pii.find(text, KNOWN) == ()


def test_no_names_find_nothing(pii: PiiFilter) -> None:
    assert pii.find("then xiulan came", KnownNames.of([])) == ()
