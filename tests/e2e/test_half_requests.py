"""Half a request is not waited for for ever, and one that does not end is not kept."""

import asyncio
from contextlib import suppress

import pytest

from hostile import weight
from peers import peer
from servers import StartInstance

pytestmark = pytest.mark.slow
BEGUN = b"GET /v1/socket HTTP/1.1\r\nHost: x\r\n"


async def test_half_open_handshakes_are_cut_and_a_friend_comes_in(start_instance: StartInstance) -> None:
    instance = start_instance()
    ends = [await asyncio.open_connection("127.0.0.1", instance.port) for _ in range(300)]
    for _, writer in ends:
        writer.write(BEGUN)
    async with peer(instance, "friend") as friend:
        assert await friend.open_conversation()

        async def cut(reader: asyncio.StreamReader) -> None:
            with suppress(ConnectionResetError):
                assert await reader.read() == b""

        async with asyncio.timeout(40):
            await asyncio.gather(*(cut(reader) for reader, _ in ends))
    for _, writer in ends:
        writer.transport.abort()


async def test_a_head_that_does_not_end_is_cut(start_instance: StartInstance) -> None:
    instance = start_instance()
    weighed = weight(instance)
    _, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    writer.write(BEGUN)

    async def pour() -> None:
        for _ in range(100):
            writer.write(b"x-more: " + b"y" * 1_000_000 + b"\r\n")
            await writer.drain()

    with pytest.raises(ConnectionError):
        await pour()

    assert weight(instance) - weighed < 20 * 1024 * 1024
    writer.transport.abort()
