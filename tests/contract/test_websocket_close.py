"""How a socket ends: what group 7 of Autobahn|Testsuite asks."""

from collections.abc import AsyncIterator

import pytest

from echo_app import echoing
from raw_websocket import CLOSE, CONT, PING, TEXT, Ended, Heard, close, frame, said, shaken

GOOD = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
BAD = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
BEHIND = {
    "a ping": frame(PING, b"late"),
    "a text": frame(TEXT, b"late"),
    "a fragment": frame(CONT, b"late"),
    "a second close": close(1001),
    "a violation": frame(TEXT, b"late", rsv=7),
    "nonsense": frame(TEXT, b"\xff"),
}


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    async with echoing() as served:
        yield served


@pytest.mark.parametrize("code", GOOD)
@pytest.mark.parametrize("reason", ["", "Hello World!", "spät, aber gut"])
async def test_a_good_close_is_answered_with_itself(port: int, code: int, reason: str) -> None:
    heard = await said(port, close(code, reason.encode()))

    assert heard == Ended([], code, reason)


async def test_an_empty_close_is_answered_with_an_empty_one(port: int) -> None:
    heard = await said(port, close(None))

    assert heard == Ended([], 1005)


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("reason", [b"", b"because"])
async def test_a_code_nobody_may_send_is_a_violation(port: int, code: int, reason: bytes) -> None:
    heard = await said(port, close(code, reason))

    assert (heard.before, heard.code, heard.after) == ([], 1002, 0)


async def test_half_a_code_is_a_violation(port: int) -> None:
    heard = await said(port, frame(CLOSE, b"\x03"))

    assert (heard.before, heard.code) == ([], 1002)


async def test_the_longest_reason_is_123_octets(port: int) -> None:
    heard = await said(port, close(1000, b"*" * 123))

    assert heard == Ended([], 1000, "*" * 123)


@pytest.mark.parametrize("size", [124, 200, 70_000])
async def test_a_longer_reason_is_refused(port: int, size: int) -> None:
    heard = await said(port, close(1000, b"*" * size))

    assert (heard.before, heard.code) == ([], 4504 if size > 65_536 else 1002)


@pytest.mark.parametrize("reason", [b"\xff", b"\xce\xba\xe1\xbd", b"\xed\xa0\x80", b"\xc0\x80"])
async def test_a_reason_that_is_no_text_is_said_to_be_none(port: int, reason: bytes) -> None:
    heard = await said(port, close(1000, reason))

    assert (heard.before, heard.code) == ([], 1007)


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("together", [True, False], ids=["together", "apart"])
async def test_what_comes_after_a_close_is_not_heard(port: int, behind: bytes, together: bool) -> None:
    async with shaken(port) as peer:
        await peer.send(close(1000), behind if together else b"")
        first = await peer.hear()
        if not together:
            await peer.send(behind)
        rest = await peer.ended()

    assert (first, rest) == (Heard(CLOSE, b"\x03\xe8"), Ended([], None))


async def test_what_came_before_a_close_is_answered_first(port: int) -> None:
    heard = await said(port, frame(TEXT, b"last words"), close(1001), frame(PING))

    assert heard == Ended([Heard(TEXT, b"last words")], 1001)


async def test_a_close_may_come_octet_by_octet(port: int) -> None:
    heard = await said(port, close(3000, b"slowly"), pieces=1)

    assert heard == Ended([], 3000, "slowly")


async def test_a_peer_that_only_goes_away_leaves_a_server_that_serves(port: int) -> None:
    async with shaken(port) as peer:
        peer.writer.write(frame(TEXT, b"half of it", says=100))
        peer.writer.write_eof()
        heard = await peer.ended()

    assert heard == Ended([], None)
    assert await said(port, frame(TEXT, b"still here"), close()) == Ended([Heard(TEXT, b"still here")], 1000)
