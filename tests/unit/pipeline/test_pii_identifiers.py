"""Numbers that prove themselves by a check digit or a shape are found without any word beside them."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("DE89 3704 0044 0532 0130 00 and thanks", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("de89370400440532013000", "IBAN", "de89370400440532013000"),
        ("AT61-1904-3002-3457-3201", "IBAN", "AT61-1904-3002-3457-3201"),
        ("iban GB20 NWBK 0000 0000 0000 00", "IBAN", "GB20 NWBK 0000 0000 0000 00"),
        ("it is 123-45-6789", "SSN", "123-45-6789"),
        ("123 45 6789", "SSN", "123 45 6789"),
        ("RSSMRA85T10A562S", "NATIONAL_ID", "RSSMRA85T10A562S"),
        ("AB 12 34 56 C", "NATIONAL_ID", "AB 12 34 56 C"),
        ("12345678z", "NATIONAL_ID", "12345678z"),
        ("12345678-Z", "NATIONAL_ID", "12345678-Z"),
        ("X1234567L", "NATIONAL_ID", "X1234567L"),
        ("ABCPE1234F", "NATIONAL_ID", "ABCPE1234F"),
        ("111.444.777-35", "NATIONAL_ID", "111.444.777-35"),
        ("8382 7038 6214", "NATIONAL_ID", "8382 7038 6214"),
        ("811228-9874", "NATIONAL_ID", "811228-9874"),
        ("912-70-1234", "NATIONAL_ID", "912-70-1234"),
        ("GARC850101HDFRRL09", "NATIONAL_ID", "GARC850101HDFRRL09"),
    ],
)
def test_a_number_that_proves_itself_is_found(pii: PiiFilter, text: str, kind: str, value: str) -> None:
    spans = pii.find(text)

    assert [(span.type, text[span.start : span.end]) for span in spans] == [(kind, value)]


@pytest.mark.parametrize(
    "text", ["12345678A", "ABCDE1234F", "AB12 days", "RSSMRA85", "GB12 fans", "B12 and D3"]
)
def test_what_proves_nothing_is_no_number_of_a_state(pii: PiiFilter, text: str) -> None:
    assert not [span for span in pii.find(text) if span.type in ("NATIONAL_ID", "IBAN", "SSN")]
