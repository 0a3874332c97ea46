"""A text of 64 KiB made to be slow is read in time; what is too much to be read is redacted, never let through.

The bound here only tells linear from quadratic; the budget is 20 ms on a quiet machine.
"""

import time

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter
from nura_rt.pipeline.pii.known import KnownNames

LENGTH = 65536
WITHIN_S = 0.5
SECRET = ". 12345678Z ana@example.org my name is Xiulan"
UNITS = [
    "a@", "1 ", "1-", "1", "@", "@1", "dr a ", "dr A", "http://", "http:// ", "<PERSON_1>", " ", "my name is ",
    "my name is ana ", "a.", "a@a.", "1 a ", "GB12 ", "1.1.", "f:", "12 a a ", " dot at ", "www.", "(", "A", "Aa ",
    "Aa 1 ", "my sister ana ", "im ", "12 oak street ", "a/", "born 1/1/1990 ", "account 12345 ", "4111111111111111 ",
    "ana.a@b.co ", "@ana ", "a#1234 ", "é", "\u200b", "<", "four ", "I'm Ana, ", "Love, ", "calle a 1 ", "1/1/1",
    "1:1 ", "12345678Z ", "2024 ", "Ana ", "st ", "x here ", "74107 Aa ", "AL 74107 ", "a at gmail.com ", "pin 1234 ",
    "nhs 123456 ", "insta a_1 ", "call 4155550132 ", "u/éof .", "1/1/1990 /1111111(", "xiulan ", "told me ", "李",
]  # fmt: skip


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize("unit", UNITS)
def test_a_slow_text_is_read_in_time(pii: PiiFilter, unit: str) -> None:
    text = (unit * LENGTH)[:LENGTH]
    known = KnownNames.of(["Xiulan Okoro"])

    began = time.process_time()
    spans = pii.find(text, known)
    pii.redact(text, spans)

    assert time.process_time() - began < WITHIN_S
    assert all(span.end <= LENGTH for span in spans)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit not in ("four ",)])
def test_what_comes_behind_too_much_does_not_pass(pii: PiiFilter, unit: str) -> None:
    text = (unit * LENGTH)[: LENGTH - len(SECRET)] + SECRET

    redacted = pii.redact(text, pii.find(text, KnownNames.of(["Xiulan Okoro"])))

    assert [value for value in ("12345678Z", "ana@example.org", "Xiulan") if value in redacted[-80:]] == []


def test_a_long_letter_is_read_to_its_end(pii: PiiFilter) -> None:
    line = (
        "My sister said I should rest on 2026-05-03, so I slept 6 hours, then walked along the river for a while and"
        " thought about nothing in particular until the rain began. "
    )
    text = (line * 400)[:50000] + SECRET

    spans = pii.find(text)

    assert [span.type for span in spans] == ["NATIONAL_ID", "EMAIL", "PERSON"]
