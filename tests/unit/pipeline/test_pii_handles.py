"""Names on platforms are found; places in chat spelling and sentences about platforms stay."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        ("my insta is @salt.and.static ok", "my insta is <HANDLE_1> ok"),
        ("@Ana_R blocked @ana_r", "<HANDLE_1> blocked <HANDLE_1>"),
        ("en twitter soy @el_toño", "en twitter soy <HANDLE_1>"),
        ("snap is tibby_2008", "snap is <HANDLE_1>"),
        ("add me on steam, grim77", "add me on steam, <HANDLE_1>"),
        ("on ig im ana.r9 now", "on ig im <HANDLE_1> now"),
        ("ana_r9 on insta", "<HANDLE_1> on insta"),
        ("discord: rook#4471", "discord: <HANDLE_1>"),
        ("i am u/throw_away on reddit", "i am <HANDLE_1> on reddit"),
        ("username is gloria", "username is <HANDLE_1>"),
        ("usuario: darkmoon", "usuario: <HANDLE_1>"),
    ],
)
def test_a_handle_becomes_a_placeholder(pii: PiiFilter, text: str, processed: str) -> None:
    assert pii.redact(text, pii.find(text)) == processed


@pytest.mark.parametrize(
    "text",
    [
        "at home @work @school @5pm",
        "my insta is private and discord is down",
        "i can handle anything, how did they handle the accident?",
        "room#1234 and order#1234",
        "snap out of it, line by line",
        "i was on insta for 3hrs",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
