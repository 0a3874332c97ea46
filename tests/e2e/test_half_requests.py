"""Who does only half is not waited for for ever: half a request, a head without an end, an answer not read."""

import asyncio
import contextlib
import socket
from contextlib import suppress

import pytest

from hostile import weight
from peers import peer
from servers import Instance, StartInstance

pytestmark = pytest.mark.slow
BEGUN = b"GET /v1/socket HTTP/1.1\r\nHost: x\r\n"
STALLS: dict[str, tuple[bytes, ...]] = {
    "a line end begins no request": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
    "a body after its answer": (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", b"hello"),
    "answers not read": (b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100,),
}


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


async def test_who_stalls_after_an_answer_is_let_go(start_instance: StartInstance) -> None:
    instance = start_instance()

    async with asyncio.timeout(60):
        await asyncio.gather(*(until_cut(instance, *octets) for octets in STALLS.values()))


async def until_cut(instance: Instance, *octets: bytes) -> None:
    """Says this, reads nothing, and then says line ends until the server hangs up."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    with contextlib.closing(client):
        await loop.sock_connect(client, ("127.0.0.1", instance.port))
        for some in octets:
            await loop.sock_sendall(client, some)
            await asyncio.sleep(0.5)
        with suppress(ConnectionError):
            while True:
                await loop.sock_sendall(client, b"\r\n")
                await asyncio.sleep(1.0)
