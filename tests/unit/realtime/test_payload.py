"""A frame is encoded once and framed once, as RFC 6455 §5.2 says."""

import struct

import pytest

from nura_rt.protocol.server import Pong
from nura_rt.realtime.payload import Payload, Tier


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x81\x00"),
        (1, b"\x81\x01"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (127, b"\x81\x7e\x00\x7f"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        (70_000, b"\x81\x7f" + struct.pack("!Q", 70_000)),
    ],
)
def test_the_header_tells_the_length(length: int, header: bytes) -> None:
    data = b"x" * length

    assert Payload(data).framed == header + data


def test_bytes_are_framed_once() -> None:
    payload = Payload(b"{}")

    assert payload.framed is payload.framed


def test_a_frame_becomes_its_json() -> None:
    payload = Payload.of(Pong(1, {"conversation:c": 2}), Tier.EPHEMERAL)

    assert payload.data == b'{"type":"pong","t":1,"heads":{"conversation:c":2}}'
    assert payload.tier is Tier.EPHEMERAL


def test_what_matters_more_has_the_higher_tier() -> None:
    assert Tier.EPHEMERAL < Tier.DURABLE < Tier.SUPPORT
