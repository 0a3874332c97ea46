"""E-mail addresses, links and IP addresses are found, each beside a twin that is none."""

import pytest

from nura_rt.pipeline.pii.filter import PiiFilter


@pytest.fixture(scope="module")
def pii() -> PiiFilter:
    return PiiFilter.load()


@pytest.mark.parametrize(
    ("text", "processed"),
    [
        ("write to ana.lopez+x@mail.example.co.uk please", "write to <EMAIL_1> please"),
        ("ANA@EXAMPLE.ORG or ana@example.org", "<EMAIL_1> or <EMAIL_1>"),
        ("ana @ gmail.com", "<EMAIL_1>"),
        ("ana.ruiz at gmail.com", "<EMAIL_1>"),
        ("john dot doe at gmail dot com", "<EMAIL_1>"),
        ("sad dot panda dot 21 at hotmail dot com ok", "<EMAIL_1> ok"),
        ("nils(at)vinter(dot)se, nils [at] vinter.se", "<EMAIL_1>, <EMAIL_2>"),
        ("ana arroba correo punto es", "<EMAIL_1>"),
        ("\uff41\uff4e\uff41\uff20example.org", "<EMAIL_1>"),
        ("a\u200bna@exa\u00admple.org!", "<EMAIL_1>!"),
        (f"{'x' * 80}@example.org", f"{'x' * 16}<EMAIL_1>"),
        ("see https://example.org/a?b=1).", "see <URL_1>)."),
        ("www.tellonym.me/sky, twitter.com/ana_r", "<URL_1>, <URL_2>"),
        ("http://ana-ruiz.github.io and ana", "<URL_1> and ana"),
        ("https://example.org/?user=ana", "<URL_1>"),
        ("from 192.168.1.20 today", "from <IP_1> today"),
        ("on fe80::1ff:fe23:4567:890a or 2001:db8::1 ok", "on <IP_1> or <IP_2> ok"),
    ],
)
def test_an_address_becomes_a_placeholder(pii: PiiFilter, text: str, processed: str) -> None:
    assert pii.redact(text, pii.find(text)) == processed


@pytest.mark.parametrize(
    "text",
    [
        "lunch @ 5.30 at joe's",
        "meet me at joes dot com",
        "i was at home dot dot dot",
        "https://bbc.co.uk and www.nhs.uk/ are fine",
        "http://localhost:8000",
        "and/or, 24/7, he/she",
        "version 1.2.3.4 of the app",
        "version 4.0.12 crashes",
        "at 10:20:30:40 or 12::30, std::vector",
    ],
)
def test_its_twin_stays(pii: PiiFilter, text: str) -> None:
    assert pii.find(text) == ()
