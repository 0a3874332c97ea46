"""What the bus makes of confirmations, without a Redis: the contract over a real one is in tests/e2e."""

import asyncio

from redis.asyncio import Redis

from nura_rt.realtime import channels
from nura_rt.realtime.bus import RedisBus
from nura_rt.telemetry import Counters

CHANNEL = channels.conversation("c1")


class Listening:
    """A bus that believes it is connected and has asked for CHANNEL."""

    def __init__(self) -> None:
        self.resyncs = 0
        self.bus = RedisBus(
            Redis(),
            instance="me",
            on_frame=lambda *_: None,
            on_resync=self._resync,
            counters=Counters(),
        )
        self.bus.connected = True
        self.bus.want(CHANNEL)
        self.bus._asked.add(CHANNEL)

    def _resync(self) -> None:
        self.resyncs += 1

    def confirm(self) -> None:
        self.bus._confirm(channels.on_bus(CHANNEL).encode())


async def test_a_confirmation_somebody_waits_for_is_no_doubt() -> None:
    listening = Listening()
    waiting = asyncio.ensure_future(listening.bus.confirmed(CHANNEL, timeout_s=5))
    await asyncio.sleep(0)

    listening.confirm()

    assert await waiting
    assert listening.resyncs == 0


async def test_a_confirmation_after_the_wait_was_given_up_is_a_doubt() -> None:
    listening = Listening()
    assert not await listening.bus.confirmed(CHANNEL, timeout_s=0.01)

    listening.confirm()

    assert listening.resyncs == 1


async def test_a_second_confirmation_means_redis_py_reconnected_silently() -> None:
    listening = Listening()
    listening.confirm()
    before = listening.resyncs

    listening.confirm()

    assert listening.resyncs == before + 1


async def test_nobody_waits_for_a_redis_that_is_away() -> None:
    listening = Listening()
    listening.bus.connected = False

    assert not await listening.bus.confirmed(CHANNEL, timeout_s=60)


async def test_a_wait_that_was_given_up_leaves_nothing_behind() -> None:
    listening = Listening()

    await listening.bus.confirmed(CHANNEL, timeout_s=0.01)

    assert listening.bus._waiters == {}
