"""Letters: plain, calm, and nothing in them for whoever reads over a shoulder."""

import re

import pytest

from nura_rt.notify import letters
from nura_rt.notify.port import Letter

URL, TOKEN = "https://nura.example", "t" * 43
ALL = [
    letters.verify_email("a@b.example", public_url=URL, token=TOKEN),
    letters.change_email("a@b.example", public_url=URL, token=TOKEN),
    letters.email_changed("a@b.example", public_url=URL),
    letters.reset_password("a@b.example", public_url=URL, token=TOKEN),
    letters.password_changed("a@b.example", public_url=URL),
    letters.password_reset("a@b.example", public_url=URL, number_removed=True),
    letters.phone_changed("a@b.example", public_url=URL),
    letters.phone_code("+34600123456", code="012345"),
]


@pytest.mark.parametrize("letter", ALL, ids=lambda letter: letter.kind)
def test_a_letter_is_calm_and_says_nothing_of_what_nura_is(letter: Letter) -> None:
    words = f"{letter.subject} {letter.text}"

    assert "!" not in words
    assert not re.search(
        r"mental|health|therap|crisis|mood|companion|urgent|dear|click", words, re.IGNORECASE
    )
    assert max(map(len, letter.text.splitlines())) <= 110
    assert letter.text.isascii()


@pytest.mark.parametrize("letter", ALL, ids=lambda letter: letter.kind)
def test_a_letter_shows_its_kind_alone_in_a_traceback(letter: Letter) -> None:
    assert repr(letter) == f"Letter(kind={letter.kind!r}, ...)"


def test_a_secret_stands_behind_the_hash_sign_where_no_server_sees_it() -> None:
    links = re.findall(r"https?://\S+", " ".join(letter.text for letter in ALL))

    assert [link for link in links if TOKEN in link.split("#")[0]] == []
    assert [link for link in links if "#" in link] == [
        f"{URL}/#verify={TOKEN}",
        f"{URL}/#verify={TOKEN}",
        f"{URL}/#reset={TOKEN}",
    ]


def test_a_code_comes_by_sms_and_fits_into_one() -> None:
    code = ALL[-1]

    assert code.means == "sms"
    assert len(code.text) <= 160
