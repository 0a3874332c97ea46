"""The real Presidio without any model: patterns are found, nothing is asked of the network, words do not leak."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nura_rt.pipeline.detectors.port import DetectorFailed, Threaded
from nura_rt.pipeline.detectors.presidio import presidio
from nura_rt.pipeline.turn import PiiSpan

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"
)


@pytest.fixture(scope="module")
async def detector() -> AsyncIterator[Threaded]:
    made = presidio()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to ann@example.org please", "EMAIL", "ann@example.org"),
        ("my card is 4111 1111 1111 1111", "CARD", "4111 1111 1111 1111"),
        ("pay DE89370400440532013000 today", "IBAN", "DE89370400440532013000"),
        ("the router is 192.168.1.77", "IP", "192.168.1.77"),
        ("call me at (212) 555-0187", "PHONE", "(212) 555-0187"),
    ],
)
async def test_what_its_patterns_know_is_found(detector: Threaded, text: str, kind: str, value: str) -> None:
    found = await detector.find(text)

    assert PiiSpan(kind, text.index(value), text.index(value) + len(value)) in found


@pytest.mark.parametrize(
    "text", ["", "I slept well", "see you on 2024-05-03 in room B43", "I am 34 and from Lisbon"]
)
async def test_dates_ages_places_and_rooms_are_no_personal_data(detector: Threaded, text: str) -> None:
    assert await detector.find(text) == ()


async def test_an_address_is_judged_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*arguments: Any, **named: Any) -> Any:
        asked.append(arguments)
        raise OSError("no network here")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    detector = presidio()
    try:
        found = await detector.find("mail someone@an-unheard-of-name.co.uk")
    finally:
        detector.close()

    assert [span.type for span in found if span.type == "EMAIL"] == ["EMAIL"]
    assert asked == []


async def test_a_model_that_is_not_there_is_not_fetched_but_told() -> None:
    detector = presidio("no_such_model")

    with pytest.raises(DetectorFailed, match=r"^presidio: OSError$"):
        await detector.find("my secret")
    detector.close()
