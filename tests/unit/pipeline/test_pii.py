"""The filter as a whole: one placeholder for one value, the stronger rule first, nothing typed is a placeholder."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.pipeline.turn import PiiSpan


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        (
            "my name is Ana Ruiz, call 415-555-0132 or ana@x.org, 12 Oak St, dob 3/5/1990, card 4111 1111 1111 1111",
            "my name is <PERSON_1>, call <PHONE_1> or <EMAIL_1>, <ADDRESS_1>, dob <DATE_OF_BIRTH_1>, card <CARD_1>",
        ),
        (
            "My sister Zuri left. zuri is gone, ZURI!",
            "My sister <PERSON_1> left. <PERSON_1> is gone, <PERSON_1>!",
        ),
        ("my boss Zuri Okoro and Okoro's car", "my boss <PERSON_1> and <PERSON_2>'s car"),
        ("case no. 70418, why 70418", "case no. <ACCOUNT_1>, why <ACCOUNT_1>"),
        ("nhs number 943 476 5919, call 943 476 5918", "nhs number <NATIONAL_ID_1>, call <PHONE_1>"),
        ("iban DE89370400440532013000", "iban <IBAN_1>"),
        ("İİ my name is İlker ok", "İİ my name is <PERSON_1> ok"),
        ("", ""),
    ],
)
def test_a_message_is_redacted(pii: PiiFilter, text: str, processed: str) -> None:
    assert pii.redact(text, pii.find(text)) == processed


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        ("<PHONE_1> is not 415 555 0132", "\u2039PHONE_1\u203a is not <PHONE_1>"),
        ("I am <PERSON_1>", "I am \u2039PERSON_1\u203a"),
        ("my name is <PERSON_1> ok", "my name is \u2039PERSON_1\u203a ok"),
        ("<PERSON_415 555 0132>", "<PERSON_<PHONE_1>>"),
        ("see https://x.org/u<URL_1>a", "see <URL_1>\u2039URL_1\u203aa"),
    ],
)
def test_a_typed_placeholder_is_none(pii: PiiFilter, text: str, processed: str) -> None:
    placeholders = Placeholders()

    redacted = pii.redact(text, pii.find(text), placeholders)

    assert redacted == processed
    assert placeholders.restore(redacted) == text.replace("<PHONE_1>", "\u2039PHONE_1\u203a").replace(
        "<PERSON_1>", "\u2039PERSON_1\u203a"
    ).replace("<URL_1>", "\u2039URL_1\u203a")


def test_a_value_keeps_its_placeholder_through_a_conversation(pii: PiiFilter) -> None:
    placeholders = Placeholders()
    messages = ["my sister Zuri, 415 555 0132", "i called +1 (415) 555-0133", "zuri has (415) 555-0132"]

    known = KnownNames.of(["Zuri"])
    redacted = [pii.redact(text, pii.find(text, known), placeholders) for text in messages]

    assert redacted == ["my sister <PERSON_1>, <PHONE_1>", "i called <PHONE_2>", "<PERSON_1> has <PHONE_1>"]


def test_without_placeholders_each_text_counts_for_itself(pii: PiiFilter) -> None:
    span = (PiiSpan("PERSON", 0, 3),)

    assert pii.redact("Ana", span) == pii.redact("Bob", span) == "<PERSON_1>"
