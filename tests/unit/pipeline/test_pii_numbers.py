"""Cards and phones are found in any spelling; dates, doses, money, scores and counts stay."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        ("call (415) 555-0132 or 415.555.0132", "call <PHONE_1> or <PHONE_1>"),
        ("my number is +44 20 7946 0958.", "my number is <PHONE_1>."),
        ("06 12 34 56 78 is my mobile", "<PHONE_1> is my mobile"),
        ("5551234567 and 555 987 6543", "<PHONE_1> and <PHONE_2>"),
        ("01.84.17.61.18", "<PHONE_1>"),
        ("0034931224680", "<PHONE_1>"),
        ("555-0142", "<PHONE_1>"),
        ("4 1 5 5 5 5 0 1 3 2", "<PHONE_1>"),
        ("tel:+34612345890", "tel:<PHONE_1>"),
        ("at 1-702-555-0131, dont", "at <PHONE_1>, dont"),
        ("call 12 34 56 78", "call <PHONE_1>"),
        ("call 415\u2011555\u20110132", "call <PHONE_1>"),
        ("٤١٥٥٥٥٠١٣٢", "<PHONE_1>"),
        ("oh seven seven double oh nine one two three four", "<PHONE_1>"),
        ("seis uno dos tres cuatro cinco ocho nueve cero", "<PHONE_1>"),
        ("card 4111 1111 1111 1111 exp 12/27", "card <CARD_1> exp 12/27"),
        ("4929-8616-8741-9171 and 4929861687419171", "<CARD_1> and <CARD_1>"),
        ("amex 3782 822463 10005", "amex <CARD_1>"),
        ("49298 61687 41917 1", "<CARD_1>"),
        ("declined: 4111 1111 1111 1112", "declined: <CARD_1>"),
        ("my card 501800000009", "my card <CARD_1>"),
        ("12345678901234567890123", "<NUMBER_1>"),
    ],
)
def test_a_number_becomes_a_placeholder(pii: PiiFilter, text: str, processed: str) -> None:
    assert pii.redact(text, pii.find(text)) == processed


@pytest.mark.parametrize(
    "text",
    [
        "I took 800mg at 14:30 on 2026-05-03, 12345678 mg",
        "from 2019-2021 and 2008 2012 2016 2020 I lived abroad",
        "it cost $1234567 or 1000000 pesos, 1,000,000 views",
        "ten steps: 1 2 3 4 5 6 7 8, then 9 8 7 6 5 4 3 2 1",
        "my moods were 3 4 2 5 6 7 2 and slept 12 14 15 9",
        "blood pressure 120/80 130/85 then 145/95",
        "text HOME to 741741, call 988 or 024",
        "bus 42 at 7:15, room 214 at 5pm",
        "i breathe: one two three four five six seven eight",
        "two kids, three cats, four dogs and five or six fish",
        "version 1.2.3 of the app, 10-20-30 plan",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
