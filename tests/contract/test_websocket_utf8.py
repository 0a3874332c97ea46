"""Text is UTF-8 or the socket ends with 1007 (RFC 3629): what group 6 of Autobahn|Testsuite asks."""

from collections.abc import AsyncIterator

import pytest

from echo_app import echoing
from raw_websocket import BINARY, CONT, TEXT, Ended, Heard, close, frame, said, shaken

SECTIONS = {
    "words": ["Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "日本語", "שלום", "🧠💬"],
    "first of each length": ["\x00", "\x80", "\u0800", "\U00010000"],
    "last of each length": ["\x7f", "\u07ff", "\uffff", "\U0010ffff"],
    "beside the surrogates": ["\ud7ff", "\ue000", "\ufffd"],
    "non-characters": [chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)],
    "more non-characters": ["\ufdd0", "\ufdef"],
    "marks and joins": ["\ufeff", "\u200d", "e\u0301", "\u202e"],
}
VALID = [
    pytest.param(text, id=f"{name} {at}") for name, texts in SECTIONS.items() for at, text in enumerate(texts)
]
NONSENSE = {
    "a lone continuation": [bytes([0x80]), bytes([0xBF]), b"\x80\xbf", b"\x80\xbf\x80", bytes(range(0x80, 0xC0))],
    "lone starts": [bytes([start]) + b" " for start in (*range(0xC2, 0xF5), 0xC0, 0xC1)],
    "all lone starts": [b" ".join(bytes([start]) for start in range(0xC0, 0xE0))],
    "impossible octets": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xf5\x80\x80\x80"],
    "five and six octets": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfd" + b"\xbf" * 5],
    "cut short": [b"\xc3", b"\xe0\xa0", b"\xe2\x82", b"\xf0\x90\x80", b"\xf4\x8f\xbf", b"\xce\xba\xe1\xbd"],
    "cut short in a row": [b"\xc3\xe2\x82\xf0\x90\x80"],
    "overlong slash": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf"],
    "overlong last": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf"],
    "overlong null": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"],
    "lone surrogates": [bytes([0xED, high, low]) for high in (*range(0xA0, 0xB1), 0xBF) for low in (0x80, 0xBF)],
    "pairs of surrogates": [b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"],
    "beyond the last": [b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf"],
    "in the middle": [b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"],
}  # fmt: skip
INVALID = [
    pytest.param(data, id=f"{name} {at}") for name, cases in NONSENSE.items() for at, data in enumerate(cases)
]


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing() as served:
        yield served


def octet_by_octet(data: bytes) -> bytes:
    """A fragment for each octet, and an empty one at the end."""
    first = [TEXT] + [CONT] * (len(data) - 1)
    parts = [frame(opcode, data[at : at + 1], fin=False) for at, opcode in enumerate(first)]
    return b"".join(parts) + frame(CONT)


@pytest.mark.parametrize("text", VALID)
async def test_every_valid_text_comes_back(port: int, text: str) -> None:
    data = text.encode()

    heard = await said(port, frame(TEXT, data), octet_by_octet(data), close())

    assert heard == Ended([Heard(TEXT, data)] * 2, 1000)


@pytest.mark.parametrize("data", INVALID)
@pytest.mark.parametrize("fragmented", [False, True], ids=["whole", "fragments"])
async def test_every_nonsense_ends_the_socket(port: int, data: bytes, fragmented: bool) -> None:
    sent = octet_by_octet(data) if fragmented else frame(TEXT, data)

    heard = await said(port, frame(TEXT, b"before"), sent, frame(TEXT, b"after"))

    assert heard == Ended([Heard(TEXT, b"before")], 1007, "invalid UTF-8")


@pytest.mark.parametrize("data", INVALID)
async def test_nonsense_is_no_matter_in_binary(port: int, data: bytes) -> None:
    heard = await said(port, frame(BINARY, data), close())

    assert heard == Ended([Heard(BINARY, data)], 1000)


@pytest.mark.parametrize("size", [1000, 65_000])
async def test_nonsense_at_the_end_of_a_long_text_is_found(port: int, size: int) -> None:
    heard = await said(port, frame(TEXT, b"x" * size + b"\xc3"))

    assert (heard.before, heard.code) == ([], 1007)


@pytest.mark.parametrize("before", [b"", "κόσμε".encode(), b"\xf0\x9f"])
async def test_nonsense_in_a_fragment_is_refused_before_the_message_is_whole(
    port: int, before: bytes
) -> None:
    async with shaken(port) as peer:
        await peer.send(frame(TEXT, before, fin=False), frame(CONT, b"\xf4\x90\x80", fin=False))
        heard = await peer.ended()  # nothing more is said: it must not wait for the last fragment

    assert heard == Ended([], 1007, "invalid UTF-8")


async def test_nonsense_with_a_close_behind_it_ends_once(port: int) -> None:
    heard = await said(port, frame(TEXT, b"\xff"), close(), pieces=None)

    assert heard == Ended([], 1007, "invalid UTF-8")


async def test_each_message_begins_anew(port: int) -> None:
    half = frame(BINARY, b"\xce", fin=False) + frame(CONT, b"", fin=True)

    heard = await said(port, half, frame(TEXT, b"a", fin=False), frame(CONT, b"b"), close())

    assert heard == Ended([Heard(BINARY, b"\xce"), Heard(TEXT, b"ab")], 1000)
