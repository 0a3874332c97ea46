"""Fragmented messages and what comes between their fragments: what group 5 of Autobahn|Testsuite asks."""

from collections.abc import AsyncIterator

import pytest

from echo_app import echoing
from raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, Ended, Heard, close, frame, said, shaken

LIMIT = 65_536
PIECES = pytest.mark.parametrize("pieces", [None, 1], ids=["whole", "octets"])


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing(ws_max_size=LIMIT) as served:
        yield served


def part(data: bytes, opcode: int = CONT, *, last: bool = False) -> bytes:
    return frame(opcode, data, fin=last)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("data", [b"", b"\x03\xe8"])
async def test_a_control_frame_may_not_be_fragmented(port: int, opcode: int, data: bytes) -> None:
    heard = await said(port, part(data, opcode), part(b"", last=True), close())

    assert (heard.before, heard.code) == ([], 1002)


@PIECES
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize(
    "parts",
    [
        [b"fragment1", b"fragment2"],
        [b"", b"", b""],
        [b"", b"middle", b""],
        [b"one", b"two", b"three", b"four", b"five"],
        [b"%d" % number for number in range(60)],
    ],
    ids=len,
)
async def test_fragments_become_one_message(
    port: int, opcode: int, parts: list[bytes], pieces: int | None
) -> None:
    first, *rest, last = parts
    middle = [part(data) for data in rest]

    heard = await said(port, part(first, opcode), *middle, part(last, last=True), close(), pieces=pieces)

    assert heard == Ended([Heard(opcode, b"".join(parts))], 1000)


@PIECES
async def test_pings_between_fragments_are_answered_at_once(port: int, pieces: int | None) -> None:
    heard = await said(
        port,
        part(b"one ", TEXT),
        frame(PING, b"first"),
        part(b"two "),
        frame(PONG, b"nobody asked"),
        part(b"three "),
        frame(PING, b"second"),
        part(b"four", last=True),
        close(),
        pieces=pieces,
    )

    assert heard == Ended(
        [Heard(PONG, b"first"), Heard(PONG, b"second"), Heard(TEXT, b"one two three four")], 1000
    )


async def test_a_pong_does_not_wait_for_the_message(port: int) -> None:
    async with shaken(port) as peer:
        await peer.send(part(b"one ", TEXT), frame(PING, b"now"))
        pong = await peer.hear()
        await peer.send(part(b"two", last=True))
        text = await peer.hear()

    assert (pong, text) == (Heard(PONG, b"now"), Heard(TEXT, b"one two"))


@PIECES
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("data", [b"", b"non-continuation payload"])
async def test_a_continuation_of_nothing_is_a_violation(
    port: int, data: bytes, last: bool, pieces: int | None
) -> None:
    heard = await said(port, part(data, last=last), frame(TEXT, b"Hello"), pieces=pieces)

    assert (heard.before, heard.code) == ([], 1002)


@PIECES
async def test_a_continuation_after_the_last_is_a_violation(port: int, pieces: int | None) -> None:
    heard = await said(
        port,
        part(b"one ", TEXT),
        part(b"two", last=True),
        part(b"three"),
        frame(TEXT, b"Hello"),
        pieces=pieces,
    )

    assert (heard.before, heard.code) == ([Heard(TEXT, b"one two")], 1002)


@PIECES
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("last", [False, True])
async def test_a_new_message_inside_a_fragmented_one_is_a_violation(
    port: int, opcode: int, last: bool, pieces: int | None
) -> None:
    heard = await said(port, part(b"one", TEXT), part(b"two", opcode, last=last), pieces=pieces)

    assert (heard.before, heard.code) == ([], 1002)


async def test_one_message_after_another_may_be_fragmented(port: int) -> None:
    messages = [(TEXT, "früh".encode()), (BINARY, b"\xff\xfe"), (TEXT, "spät".encode())]
    chunks = [part(data[:1], opcode) + part(data[1:], last=True) for opcode, data in messages]

    heard = await said(port, *chunks, close())

    assert heard == Ended([Heard(opcode, data) for opcode, data in messages], 1000)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_up_to_the_limit_pass(port: int, opcode: int) -> None:
    half = b"x" * (LIMIT // 2)

    heard = await said(port, part(half, opcode), part(half), part(b"", last=True), close())

    assert heard == Ended([Heard(opcode, half + half)], 1000)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_fragments_beyond_the_limit_are_refused_together(port: int, opcode: int) -> None:
    half = b"x" * (LIMIT // 2)

    heard = await said(port, part(half, opcode), part(half), part(b"x"))

    assert heard == Ended([], 4504, "frame_too_large")


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_close_between_fragments_is_a_clean_one(port: int, code: int) -> None:
    heard = await said(port, part(b"one", TEXT), close(code), part(b"two", last=True))

    assert heard == Ended([], code)
