"""Who has not said who they are gets little: a second or five, one frame, and few places; a friend comes in."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hostile import attacked, foe, hello, text, weight
from nura_rt.embedded.stack import Addresses
from peers import peer
from raw_websocket import CONT, PING, TEXT, frame
from servers import Instance, environ_of

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
BEGUN = frame(TEXT, b'{"type":"hello",', fin=False)
FIRST: dict[str, tuple[bytes, int]] = {
    "silence": (b"", 4403),
    "half a hello": (hello("foe")[:-10], 4403),
    "half a fragmented hello": (BEGUN, 4403),
    "pings alone": (frame(PING) * 100, 4403),
    "many pings": (frame(PING) * 10_000, 4429),
    "many fragments": (BEGUN + frame(CONT, b" ", fin=False) * 10_000, 4429),
    "nonsense": (frame(TEXT, b"x"), 4500),
    "another frame": (text("ping", t=1), 4500),
    "a bad token": (text("hello", token="x"), 4501),
    "a hello over 4 KiB": (text("hello", token="x" * 4096), 4504),
    "64 KiB before any hello": (frame(TEXT, b"x" * 65_000), 4504),
}
REFUSED: dict[str, tuple[str, str, int]] = {  # what httptools takes and websockets does not
    "a cookie of 9 KB": ("/v1/socket", "Cookie: " + "x" * 9000, 431),
    "a target of 9 KB": ("/v1/socket?" + "x" * 9000, "X-More: y", 414),
    "a body": ("/v1/socket", "Content-Length: 5", 400),
}


@pytest.fixture(scope="module")
def hurried(folder: Path, stores: Addresses) -> Iterator[Instance]:
    """Waits a second for hello and trusts us about addresses; its door is as narrow as shipped."""
    (folder / "hurried").mkdir()
    environ = {**environ_of(stores), "HELLO_TIMEOUT_S": "1", "TRUSTED_PROXIES": "127.0.0.1"}
    instance = Instance(folder / "hurried", environ).start()
    yield instance
    instance.stop()
    assert instance.process is not None
    assert instance.process.returncode == 0
    assert "Traceback" not in instance.log


@pytest.mark.parametrize(("first", "code"), FIRST.values(), ids=FIRST)
async def test_who_does_not_say_hello_is_closed(hurried: Instance, first: bytes, code: int) -> None:
    ended = await attacked(hurried, first)

    assert (ended.code, ended.after) == (code, 0)


async def test_a_hello_byte_by_byte_runs_out_of_time(hurried: Instance) -> None:
    async with foe(hurried) as raw:
        octets = hello("foe")

        async def drip() -> None:
            for number in range(len(octets)):
                await raw.send(octets[number : number + 1])
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        ended = await raw.ended()
        dripping.cancel()

    assert ended.code == 4403


async def test_strangers_at_the_door_do_not_keep_a_friend_of_another_address_out(hurried: Instance) -> None:
    weighed = weight(hurried)
    async with AsyncExitStack() as stack:
        answers = [await knock(stack, hurried, line="X-Forwarded-For: 203.0.113.9") for _ in range(120)]
        async with peer(hurried, "friend") as friend:
            assert await friend.open_conversation()

    assert answers[:50] == ["101"] * 50  # so many strangers of one address the door holds
    assert set(answers[50:]) == {"101", "429"}  # after their second they make room
    assert weight(hurried) - weighed < 40 * MIB


@pytest.mark.parametrize(("target", "line", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_handshake_we_cannot_read_is_answered_and_let_go(
    hurried: Instance, target: str, line: str, status: int
) -> None:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(10.0):  # else it would never be answered
            answer = await knock(stack, hurried, target=target, line=line)

    assert answer == str(status)


async def knock(stack: AsyncExitStack, instance: Instance, *, target: str = "/v1/socket", line: str) -> str:
    """Shakes hands with this header line, and then says nothing; the status. Hangs up with the stack."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    stack.callback(writer.transport.abort)
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: x\r\n{line}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: nura.v1\r\n\r\n".encode()
    )
    return (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
