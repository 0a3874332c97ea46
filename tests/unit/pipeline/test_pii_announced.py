"""What is announced as an identifier is one; the same words around a year or a small number stay."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("my nhs number is 943 476 5919 ok", "NATIONAL_ID", "943 476 5919"),
        ("camhs asked for the nhs number, its 649-793-3107", "NATIONAL_ID", "649-793-3107"),
        ("passport no. X1234567", "NATIONAL_ID", "X1234567"),
        ("my bsn is 198735261", "NATIONAL_ID", "198735261"),
        ("Steuer-ID 35 969 801 244.", "NATIONAL_ID", "35 969 801 244"),
        ("mi dni, por si acaso, es 12345678Z", "NATIONAL_ID", "12345678Z"),
        ("mon numéro de sécu c'est 2 91 03 69 433 800 12", "NATIONAL_ID", "2 91 03 69 433 800 12"),
        ("649 793 3107 is my nhs number", "NATIONAL_ID", "649 793 3107"),
        ("my medicare number is 1EG4-TE5-MK72", "NATIONAL_ID", "1EG4-TE5-MK72"),
        ("ssn 123456789", "SSN", "123456789"),
        ("my account number is 70418265 and", "ACCOUNT", "70418265"),
        ("Acct # 003-5519-7720", "ACCOUNT", "003-5519-7720"),
        ("Case number 2023-CV-01749.", "ACCOUNT", "2023-CV-01749"),
        ("police reference CR/18823/22", "ACCOUNT", "CR/18823/22"),
        ("Medical record number MRN-0583921", "ACCOUNT", "MRN-0583921"),
        ("Expediente VG-417/2022", "ACCOUNT", "VG-417/2022"),
        ("my pin is 4821", "NUMBER", "4821"),
        ("my postcode is bs5 9xd", "ADDRESS", "bs5 9xd"),
        ("zip code 74107", "ADDRESS", "74107"),
    ],
)
def test_an_announced_identifier_is_found_alone(pii: PiiFilter, text: str, kind: str, value: str) -> None:
    spans = pii.find(text)

    assert [(span.type, text[span.start : span.end]) for span in spans] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "my passport expires in 2027",
        "my account is locked since 2019",
        "case number 5, order 66",
        "the patient was seen 3 times in 2021",
        "nhs waiting list is 18 months",
        "in case 2 people come",
        "plz call 3 times",
        "i pin 2 notes a day",
        "social anxiety since 2015",
        "ich war nie 2019 dort",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
