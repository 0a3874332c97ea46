"""A date announced as one of birth is found; every other date is what a companion must remember."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("i was born on 6 April 1991", "6 April 1991"),
        ("born july 14th, 2003, feel like 80", "july 14th, 2003"),
        ("my twin and i were born on the 9th of october 1984", "9th of october 1984"),
        ("My son was born in Leeds on 3 May 2019", "3 May 2019"),
        ("born 12-Mar-1987", "12-Mar-1987"),
        ("DOB: 1990-05-12", "1990-05-12"),
        ("d.o.b. 4/7/90", "4/7/90"),
        ("dob 12051990", "12051990"),
        ("my dob's 030490", "030490"),
        ("date of birth on the form is 03.04.1991", "03.04.1991"),
        ("my birthday is 12/05/1990 and I am 34", "12/05/1990"),
        ("my birthday is 12 may", "12 may"),
        ("12/05/1990 is my birthday", "12/05/1990"),
        ("on 3 April 1990 i was born", "3 April 1990"),
        ("i turn 40 on 2 june", "2 june"),
        ("nací el 8 de febrero de 1993", "8 de febrero de 1993"),
        ("mi cumpleaños es el 5 de mayo", "5 de mayo"),
        ("cumplo años el 14 de marzo", "14 de marzo"),
        ("ich bin am 24. April 1982 geboren", "24. April 1982"),
        ("je suis née le 3 mars 1990", "3 mars 1990"),
    ],
)
def test_a_date_of_birth_is_found_alone(pii: PiiFilter, text: str, date: str) -> None:
    spans = pii.find(text)

    assert [(span.type, text[span.start : span.end]) for span in spans] == [("DATE_OF_BIRTH", date)]


@pytest.mark.parametrize(
    "text",
    [
        "we met on 12 may 1990 and it was the best day",
        "the accident was on 12/05/2019",
        "our anniversary is 3 april 2015",
        "my birthday is in May, my mom's is on friday",
        "i was born in 1990",
        "born 3 weeks early, 2 kilos",
        "see you on 2023-11-07 then",
        "i dob him in 5 times",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
