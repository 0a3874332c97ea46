"""Personal data is found and replaced; dates, doses and money stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nura_rt.pipeline.names import NameFinder
from nura_rt.pipeline.pii import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter(NameFinder.load())


REDACTED = [
    ("write to ana.lopez+x@mail.example.co.uk please", "write to <EMAIL_1> please"),
    ("john dot doe at gmail dot com", "<EMAIL_1>"),
    ("call (415) 555-0132 or 415.555.0132", "call <PHONE_1> or <PHONE_1>"),
    ("my number is +44 20 7946 0958.", "my number is <PHONE_1>."),
    ("06 12 34 56 78 is my mobile", "<PHONE_1> is my mobile"),
    ("5551234567 and 555 987 6543", "<PHONE_1> and <PHONE_2>"),
    ("card 4111 1111 1111 1111 exp 12/27", "card <CARD_1> exp 12/27"),
    ("IBAN DE89 3704 0044 0532 0130 00 and thanks", "IBAN <IBAN_1> and thanks"),
    ("ssn 123-45-6789", "ssn <SSN_1>"),
    ("from 192.168.1.20 today", "from <IP_1> today"),
    ("on fe80::1ff:fe23:4567:890a ok", "on <IP_1> ok"),
    ("see https://example.org/a?b=1).", "see <URL_1>)."),
    ("I live at 12 Oak Street, apt 4", "I live at <ADDRESS_1>"),
    ("we moved to 5 Elm Court", "we moved to <ADDRESS_1>"),
    ("vivo en calle mayor 12", "vivo en <ADDRESS_1>"),
    ("my name is anna", "my name is <PERSON_1>"),
    ("My sister Maria left. Maria is gone", "My sister <PERSON_1> left. <PERSON_1> is gone"),
    ("I'm Sarah, hi", "I'm <PERSON_1>, hi"),
    ("my friend's name is Bob Stone and he", "my friend's name is <PERSON_1> and he"),
    ("Dr. Patel said", "Dr. <PERSON_1> said"),
    ("me llamo Lucía", "me llamo <PERSON_1>"),
    ("İİ my name is İlker ok", "İİ my name is <PERSON_1> ok"),
    ("<PHONE_1> is not 415 555 0132", "<PHONE_1> is not <PHONE_2>"),
]

KEPT = [
    "I took 800mg at 14:30 on 2026-05-03",
    "my birthday is 12/05/1990 and I am 34",
    "from 2019-2021 I lived abroad",
    "it cost $1234567 or 1000000 pesos",
    "ten steps: 1 2 3 4 5 6 7 8",
    "I'm Sad and my sister is too",
    "call me later, my brother Said no",
    "version 1.2.3 of the app",
    "I walked 5 times down the street",
    "I Am Fine And My Mom Is Too",
]


@pytest.mark.parametrize(("text", "processed"), REDACTED)
def test_personal_data_becomes_a_typed_placeholder(pii: PiiFilter, text: str, processed: str) -> None:
    spans = pii.find(text)

    assert pii.redact(text, spans) == processed


@pytest.mark.parametrize("text", KEPT)
def test_dates_doses_money_and_ordinary_words_stay(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()


words = st.sampled_from(
    ["hello", "I", "feel", "low", "today.", "me", "at:", "(maybe)", "my", "son,", "3", "12/05/2026"]
)
digits = st.text("0123456789", min_size=7, max_size=16)
emails = st.from_regex(r"[a-z][a-z0-9.]{1,10}[a-z]@[a-z]{2,8}\.(com|org|es)", fullmatch=True)


@given(
    values=st.lists(digits | emails, min_size=1, max_size=3), around=st.lists(words, min_size=4, max_size=12)
)
@settings(deadline=None)
def test_no_found_value_survives_in_the_processed_text(
    pii: PiiFilter, values: list[str], around: list[str]
) -> None:
    text = " ".join(part for place, word in enumerate(around) for part in (word, *values[place : place + 1]))

    spans = pii.find(text)

    processed = pii.redact(text, spans)
    assert len(spans) >= 1
    assert not [value for value in values if value in processed]
    assert not [span for span in spans if text[span.start : span.end] in processed]


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "1",
        "1-",
        "a@",
        "a.",
        "@",
        "a@a.",
        "1 a ",
        "my name is ",
        "GB12 ",
        "1.1.",
        "f:",
        "12 a a ",
        " dot at ",
        "www.",
        "(",
    ],
)
def test_long_adversarial_texts_come_to_an_end(pii: PiiFilter, unit: str) -> None:
    text = (unit * 8000)[:8000] + " 1 street dot com at calle 1.2.3:4:5:"

    spans = pii.find(text)

    assert all(span.end <= len(text) for span in spans)
