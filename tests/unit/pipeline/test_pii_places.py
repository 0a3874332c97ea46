"""Street addresses are found in several countries' spelling; ways, walks and blocks stay."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        ("I live at 12 Oak Street, apt 4", "I live at <ADDRESS_1>"),
        ("88 quarry hill rd, he has locked me in", "<ADDRESS_1>, he has locked me in"),
        ("we moved to 5 Elm Court", "we moved to <ADDRESS_1>"),
        ("i stay at 5 st marys close", "i stay at <ADDRESS_1>"),
        ("Flat 4, 63 Kestrel Road, Bristol BS5 9XD, the noise", "<ADDRESS_1>, the noise"),
        ("2907 W Pemberton Ave, Tulsa, OK 74107. I", "<ADDRESS_1>. I"),
        ("123 Broadway, New York, NY 10001", "<ADDRESS_1>"),
        ("1600 pennsylvania ave nw", "<ADDRESS_1>"),
        ("po box 1234, Austin TX 78701", "<ADDRESS_1>"),
        ("im at 5 Elm Road, call me on 07700 900123", "im at <ADDRESS_1>, call me on <PHONE_1>"),
        ("vivo en calle mayor 12", "vivo en <ADDRESS_1>"),
        ("C/ Alcalá nº 45, 28014 Madrid", "<ADDRESS_1>"),
        ("Calle 72 # 10-34", "<ADDRESS_1>"),
        ("12 rue de la Paix, 75002 Paris", "<ADDRESS_1>"),
        ("mein vater, rosenweg 27, ich", "mein vater, <ADDRESS_1>, ich"),
        ("Hauptstr. 5 in bonn", "<ADDRESS_1> in bonn"),
        ("an Am Mühlbach 3a, 79104 Freiburg.", "an <ADDRESS_1>."),
        ("via Roma 12, 00184 Roma", "<ADDRESS_1>"),
        ("Kerkstraat 12", "<ADDRESS_1>"),
        ("SW1A 1AA", "<ADDRESS_1>"),
    ],
)
def test_an_address_becomes_a_placeholder(pii: PiiFilter, text: str, processed: str) -> None:
    assert pii.redact(text, pii.find(text)) == processed


@pytest.mark.parametrize(
    "text",
    [
        "I walked 5 times down the street",
        "2 days in a row, 5 minutes walk from my place",
        "I have 2 appointments this week dr said",
        "we drove 30 miles on highway 5",
        "took 5 mg at 3 pm on main street",
        "doy un paseo de 20 minutos",
        "im heimweg 20 minuten, spielplatz 3 kinder",
        "it took 3 hours to find a place",
        "vitamina c 500 mg, via zoom 2 veces",
        "I was 12 when we moved to a close",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
