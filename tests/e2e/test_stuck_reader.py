"""A client that stopped reading hurts only itself: it is let go, the others go on, and SIGTERM does not wait."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from deaf import deaf, until_gone

from peers import Peer, ended, peer, until_seq
from servers import RAISED, StartInstance

pytestmark = pytest.mark.slow

PINGS = {"PING_INTERVAL_S": "1", "PING_TIMEOUT_S": "2"}
# More than the kernel keeps for a peer that does not read (4 MiB): the rest stays in the server.
LARGE = {
    "LIMIT_FRAME_BYTES": "262144",
    "LIMIT_TEXT_CHARS": "100000",
    "LIMIT_SEND_BUFFER_HARD_BYTES": "16777216",
}
LONG_TEXT = "wave " * 16_000
FLOOD = 70


async def flood(speaker: Peer, conversation: str) -> list[int]:
    """Five and a half megabytes for whoever listens; returns the seqs acknowledged."""
    return [(await speaker.send(conversation, LONG_TEXT))["seq"] for _ in range(FLOOD)]


async def test_a_silent_client_is_gone_after_the_ping_timeout(start_instance: StartInstance) -> None:
    instance = start_instance(**PINGS)
    async with peer(instance, "neighbour") as neighbour:
        began = time.monotonic()
        async with deaf(instance, "stuck") as stuck:
            waiting = asyncio.create_task(neighbour.silence(for_s=6))  # it reads, so it answers pings

            await until_gone(stuck, within_s=15)

            gone_after_s = time.monotonic() - began
            await waiting
            assert gone_after_s > 2
            assert await neighbour.open_conversation()


async def test_a_stuck_reader_of_a_flooded_room_is_gone_and_the_room_goes_on(
    start_instance: StartInstance,
) -> None:
    instance = start_instance(**PINGS, **RAISED, **LARGE)
    async with peer(instance, "crowded") as speaker, peer(instance, "crowded") as listener:
        conversation = await speaker.open_conversation()
        await listener.join(conversation)
        hearing = asyncio.create_task(listener.collect(until_seq(2 * FLOOD), within_s=90))
        async with deaf(instance, "crowded", conversation) as stuck:
            flooding = asyncio.create_task(flood(speaker, conversation))

            await until_gone(stuck, within_s=12)

        await flooding
        await hearing
    assert listener.seqs() == list(range(1, 2 * FLOOD + 1))


async def test_a_reader_too_far_behind_is_closed_before_any_ping(start_instance: StartInstance) -> None:
    instance = start_instance(**RAISED, **LARGE | {"LIMIT_SEND_BUFFER_HARD_BYTES": "262144"})
    async with peer(instance, "crowded") as speaker:
        conversation = await speaker.open_conversation()
        async with deaf(instance, "crowded", conversation) as slow:
            flooding = asyncio.create_task(flood(speaker, conversation))

            await until_gone(slow, within_s=12)  # pings would take 40 s, the kernel's own patience 15 s

            accepted = await flooding
    assert len(accepted) == FLOOD


async def test_sigterm_does_not_wait_for_a_stuck_reader(start_instance: StartInstance) -> None:
    instance = start_instance(**RAISED, **LARGE)
    async with peer(instance, "crowded") as speaker, peer(instance, "crowded") as listener:
        conversation = await speaker.open_conversation()
        async with deaf(instance, "crowded", conversation) as stuck, deaf(instance, "crowded") as silent:
            await listener.join(conversation)
            hearing = asyncio.create_task(listener.collect(until_seq(2 * FLOOD), within_s=40))
            await flood(speaker, conversation)
            await hearing
            assert stuck.is_connected
            assert silent.is_connected

            took_s = await asyncio.to_thread(instance.stop, within_s=5)

    assert took_s <= 5
    assert instance.process is not None
    assert instance.process.returncode == 0
    assert "Stopped; everything acknowledged is kept." in instance.log


async def test_sigterm_tells_fifty_idle_clients_and_ends(start_instance: StartInstance) -> None:
    instance = start_instance()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(peer(instance, f"idle {number}")) for number in range(50)]
        listening = [asyncio.create_task(ended(client.socket)) for client in clients]

        took_s = await asyncio.to_thread(instance.stop, within_s=5)

        codes = {code for code, _ in await asyncio.gather(*listening)}
    assert took_s <= 5
    assert codes == {4000}  # going away, restarting, draining: each means reconnect
    assert instance.process is not None
    assert instance.process.returncode == 0
