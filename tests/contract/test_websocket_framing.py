"""Frames, pings, reserved bits and opcodes, over raw sockets: what groups 1 to 4 of Autobahn|Testsuite ask."""

from collections.abc import AsyncIterator

import pytest

from echo_app import echoing
from raw_websocket import BINARY, PING, PONG, TEXT, Ended, Heard, close, frame, said

SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536]
RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
LIMIT = 65_536


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing(ws_max_size=LIMIT) as served:
        yield served


def pieces_of(size: int) -> int:
    """Single octets where that is quick, else a prime number of them."""
    return 1 if size < 1000 else 997


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("chopped", [False, True], ids=["whole", "chopped"])
async def test_a_message_of_any_size_comes_back(port: int, opcode: int, size: int, chopped: bool) -> None:
    data = bytes(number % 95 + 32 for number in range(size))

    heard = await said(port, frame(opcode, data), close(), pieces=pieces_of(size) if chopped else None)

    assert heard == Ended([Heard(opcode, data)], 1000)


@pytest.mark.parametrize("says", [LIMIT + 1, 1 << 31, 1 << 63, (1 << 64) - 1])
async def test_a_frame_that_says_it_is_too_large_is_refused_by_its_header(port: int, says: int) -> None:
    heard = await said(port, frame(TEXT, says=says))

    assert heard == Ended([], 4504, "frame_too_large")


async def test_who_sends_far_too_much_still_learns_why(port: int) -> None:
    heard = await said(port, frame(BINARY, b"x" * 10_000_000), pieces=100_000)

    assert heard == Ended([], 4504, "frame_too_large")


async def test_messages_come_back_in_order(port: int) -> None:
    texts = [b"%d" % number for number in range(500)]

    heard = await said(port, *(frame(TEXT, text) for text in texts), close())

    assert heard == Ended([Heard(TEXT, text) for text in texts], 1000)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING])
@pytest.mark.parametrize("data", [b"", b"bare"])
async def test_a_frame_without_a_mask_is_a_violation(port: int, opcode: int, data: bytes) -> None:
    heard = await said(port, frame(opcode, data, mask=False), frame(PING))

    assert (heard.before, heard.code) == ([], 1002)


@pytest.mark.parametrize("data", [b"", b"Hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125])
@pytest.mark.parametrize("pieces", [None, 1], ids=["whole", "octets"])
async def test_a_ping_gets_its_payload_back(port: int, data: bytes, pieces: int | None) -> None:
    heard = await said(port, frame(PING, data), close(), pieces=pieces)

    assert heard == Ended([Heard(PONG, data)], 1000)


@pytest.mark.parametrize("opcode", [PING, PONG])
@pytest.mark.parametrize("size", [126, 127, 65_535])
async def test_a_control_frame_over_125_octets_is_a_violation(port: int, opcode: int, size: int) -> None:
    heard = await said(port, frame(opcode, b"x" * size), close())

    assert (heard.before, heard.code) == ([], 1002)


@pytest.mark.parametrize("pieces", [None, 1], ids=["whole", "octets"])
async def test_ten_pings_get_ten_pongs_in_order(port: int, pieces: int | None) -> None:
    loads = [b"load-%d" % number for number in range(10)]

    heard = await said(port, *(frame(PING, load) for load in loads), close(), pieces=pieces)

    assert heard == Ended([Heard(PONG, load) for load in loads], 1000)


@pytest.mark.parametrize("data", [b"", b"nobody asked"])
async def test_a_pong_nobody_asked_for_is_ignored(port: int, data: bytes) -> None:
    heard = await said(port, frame(PONG, data), frame(PING, b"asked"), frame(PONG, data), close())

    assert heard == Ended([Heard(PONG, b"asked")], 1000)


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize(
    ("opcode", "data"),
    [(TEXT, b""), (TEXT, b"Hello"), (BINARY, b"\x00\xff"), (PING, b""), (PONG, b"x"), (8, b"\x03\xe8")],
)
async def test_reserved_bits_are_a_violation(port: int, opcode: int, data: bytes, rsv: int) -> None:
    heard = await said(port, frame(TEXT, b"before"), frame(opcode, data, rsv=rsv), frame(PING))

    assert (heard.before, heard.code, heard.after) == ([Heard(TEXT, b"before")], 1002, 0)


@pytest.mark.parametrize("opcode", RESERVED)
@pytest.mark.parametrize("data", [b"", b"Hello"])
@pytest.mark.parametrize("pieces", [None, 1], ids=["whole", "octets"])
async def test_reserved_opcodes_are_a_violation(
    port: int, opcode: int, data: bytes, pieces: int | None
) -> None:
    heard = await said(port, frame(TEXT, b"before"), frame(opcode, data), frame(PING), pieces=pieces)

    assert (heard.before, heard.code, heard.after) == ([Heard(TEXT, b"before")], 1002, 0)
