"""Bytes in, frames out, one message at a time; no socket is needed."""

import logging

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, State

from nura_rt.realtime.parser import Parser
from raw_websocket import BINARY, CONT, PING, TEXT, close, frame

LOGGER = logging.getLogger("parser")


@pytest.fixture
def parser() -> Parser:
    """As after the handshake."""
    made = Parser(max_size=65_536, deflate=False, logger=LOGGER)
    made.state = State.OPEN
    made.parser = Protocol.parse(made)  # the frames', not the handshake's
    next(made.parser)
    return made


def texts(parser: Parser) -> list[bytes]:
    return [bytes(event.data) for event in parser.events_received() if isinstance(event, Frame)]


def test_of_many_messages_in_one_read_one_is_parsed(parser: Parser) -> None:
    parser.receive_data(b"".join(frame(TEXT, b"%d" % number) for number in range(100)))

    assert texts(parser) == [b"0"]
    assert len(parser.held) > 99 * 7


def test_the_rest_comes_one_by_one(parser: Parser) -> None:
    parser.receive_data(b"".join(frame(TEXT, b"%d" % number) for number in range(100)))
    seen = [texts(parser)]

    while parser.held:
        parser.go_on()
        seen.append(texts(parser))

    assert seen == [[b"%d" % number] for number in range(100)]


def test_what_is_read_while_something_is_held_joins_it(parser: Parser) -> None:
    whole = frame(TEXT, b"one") + frame(BINARY, b"two") + frame(TEXT, b"three")
    parser.receive_data(whole[:15])
    for octet in whole[15:]:
        parser.receive_data(bytes([octet]))
    seen = [texts(parser)]

    while parser.held:
        parser.go_on()
        seen.append(texts(parser))

    assert seen == [[b"one"], [b"two"], [b"three"]]


def test_a_fragmented_message_is_one_message(parser: Parser) -> None:
    parser.receive_data(
        frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONT, b"b") + frame(TEXT, b"c")
    )

    assert texts(parser) == [b"a", b"p", b"b"]


@pytest.mark.parametrize("small", [frame(PING), frame(10), frame(PING, b"x" * 125)])
def test_a_flood_of_control_frames_is_taken_in_sips(parser: Parser, small: bytes) -> None:
    parser.receive_data(small * 1000)
    first = len(texts(parser))
    parser.go_on()

    assert (first, len(texts(parser)), parser.chatter) == (64, 64, 128)


def test_whole_messages_are_no_chatter(parser: Parser) -> None:
    parser.receive_data(frame(TEXT, b"one"))

    assert parser.chatter == 0


@pytest.mark.parametrize("behind", [frame(TEXT, b"late"), frame(PING, b"late"), b"\xff" * 100])
@pytest.mark.parametrize("before", [0, 62, 63])  # with 63 the close is where a sip ends
def test_behind_a_close_nothing_is_parsed_or_kept(parser: Parser, before: int, behind: bytes) -> None:
    parser.receive_data(frame(PING) * before + close() + behind * 1000)

    opcodes = [event.opcode for event in parser.events_received() if isinstance(event, Frame)]
    assert opcodes == [Opcode.PING] * before + [Opcode.CLOSE]
    assert (len(parser.held), len(parser.reader.buffer)) == (0, 0)


def test_while_we_close_the_rest_is_still_taken_in_sips(parser: Parser) -> None:
    parser.send_close(4429)
    parser.receive_data(frame(TEXT, b"x") * 1000)

    assert len(texts(parser)) == 64
