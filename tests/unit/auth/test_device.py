"""Names of devices: what a person may recognise, and nothing that could harm a page or a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nura_rt.auth.device import LONGEST, device_named, device_of_agent

MOZILLA = "Mozilla/5.0 "


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Ann's tablet", "Ann's tablet"),
        ("  a\tb\r\nc\x00d\x1b[31m ", "abcd[31m"),
        ("right\u202eleft\u2028", "rightleft"),
        ("x" * 101, "x" * 100),
        ("Анин телефон 🌿", "Анин телефон 🌿"),
        ("\x00\n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_keeps_what_can_be_seen(given: str | None, shown: str | None) -> None:
    assert device_named(given) == shown


@given(st.text())
def test_any_name_is_short_and_printable(name: str) -> None:
    shown = device_named(name)

    assert shown is None or (0 < len(shown) <= LONGEST and shown.isprintable())


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (MOZILLA + "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            MOZILLA + "(Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            MOZILLA + "(Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            MOZILLA + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0 Safari/537.36", "Chrome on Mac"),
        ("Firefox/140.0", "Firefox"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("curl/8.1", "curl"),
        ("x" * 500, "x" * 40),
        ("\x00\x01", None),
        ("", None),
        (None, None),
    ],
)
def test_an_agent_becomes_a_few_words(agent: str | None, device: str | None) -> None:
    assert device_of_agent(agent) == device
