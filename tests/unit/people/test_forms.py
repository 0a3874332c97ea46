"""What people write into forms: what is stored of it, and which field is named when it breaks a rule."""

import pytest

from nura_rt.people import forms
from nura_rt.protocol.problem import Refusal


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Anna@B.Example ", "anna@b.example"),
        ("a+tag@b.example", "a+tag@b.example"),
        ("jos\u00e9@b.example",) * 2,
    ],
)
def test_an_address_is_stored_in_lower_case(text: str, email: str) -> None:
    assert forms.email_of(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "a@b",
        "a@b@c.example",
        "a b@c.example",
        "a\0@b.example",
        "a\r\nBcc: x@b.example",
        "victim@b.example,a",
        "a,victim@b.example",  # two addresses to a mail program
        "x<victim@b.example>",
        "a@b.example\n",
        "\ud800@b.example",
        "a" * 65 + "@b.example",
        "a@" + "b" * 200 + ".example",
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    if text != text.strip():
        text += "."

    with pytest.raises(Refusal) as caught:
        forms.email_of(text)

    assert (caught.value.problem.status, caught.value.problem.field) == (400, "email")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+34 600 12 34 56", "+34600123456"),
        ("+1 (202) 555-0143", "+12025550143"),
        ("tel:+34600123456", "+34600123456"),
        ("+34 600 12 34 5\uff16", "+34600123456"),
    ],
)
def test_a_number_is_stored_in_one_form(text: str, number: str) -> None:
    assert forms.phone_of(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "600123456", "0034600123456", "+12", "+34600123456;ext=1", "+34 806 123 456", "+1 900 555 0143",
     "not a number", "+34" + "9" * 300],
)  # fmt: skip
def test_a_number_that_cannot_be_rung_or_costs_money_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        forms.phone_of(text)

    assert (caught.value.problem.status, caught.value.problem.field) == (400, "phone")


@pytest.mark.parametrize(
    ("text", "name"),
    [(None, None), ("  ", None), (" Robin ", "Robin"), ("a\0b\ud800", "ab"), ("x" * 100,) * 2],
)
def test_a_name_is_stored_as_it_can_be(text: str | None, name: str | None) -> None:
    assert forms.name_of(text) == name


def test_a_long_name_and_a_short_password_name_their_fields() -> None:
    with pytest.raises(Refusal) as name:
        forms.name_of("x" * 101)
    with pytest.raises(Refusal) as password:
        forms.check_new_password("short", field="new_password")

    assert name.value.problem.field == "display_name"
    assert password.value.problem.field == "new_password"
    assert "short" not in password.value.problem.detail


def test_a_traceback_shows_nothing_that_was_typed() -> None:
    assert "secret" not in repr(forms.SignIn("secret@b.example", "secret"))
    assert "secret" not in repr(forms.ChangePassword("secret", "secret"))
