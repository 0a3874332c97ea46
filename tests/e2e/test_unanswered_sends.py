"""Who sends faster than it is answered is not read: what it sent waits in its socket, not in the server's memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from hostile import foe, heaviest, hello, text, weighed_anew
from peers import peer
from raw_websocket import Raw
from servers import RAISED, StartInstance

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
UNACKED = 4
LARGE = {"LIMIT_UNACKED": str(UNACKED), "LIMIT_TEXT_CHARS": "60000"}


@asynccontextmanager
async def held(admin: asyncpg.Connection, conversation_id: str) -> AsyncIterator[None]:
    """Nothing can be written to this conversation; who tries is refused after two seconds."""
    async with admin.transaction():
        await admin.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", conversation_id)
        yield


def send(conversation_id: str, number: int) -> bytes:
    """60 KB."""
    return text(
        "message.send",
        ref=f"r{number}",
        conversation_id=conversation_id,
        client_id=f"m{number}",
        text="wave " * 11_000,
    )


async def heard_until(raw: Raw, ref: str) -> list[dict[str, Any]]:
    """What the server says, as far as its answer to this."""
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1].get("ref") != ref:
        one = await raw.hear()
        assert one is not None, "the server hung up"
        heard.append(json.loads(one.data))
    return heard


async def test_what_is_sent_beyond_the_limit_is_not_read_before_there_was_an_answer(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    instance = start_instance(**RAISED, **LARGE)
    async with peer(instance, "eager") as other, foe(instance) as raw:
        room = await other.open_conversation()
        first = [send(room, number) for number in range(UNACKED)]
        more = [send(room, number) for number in range(UNACKED, 1000)]
        async with held(admin, room):
            weighed = weighed_anew(instance)
            sending = asyncio.create_task(raw.send(hello("eager"), *first, text("ping", t=1), *more))

            heard = await heard_until(raw, "r0")

            grown = heaviest(instance) - weighed
            sending.cancel()

    assert "pong" not in {frame["type"] for frame in heard}  # the ping behind the first four was not read
    assert grown < 8 * MIB  # of 55 that were sent
