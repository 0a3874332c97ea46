"""A newer token in the middle of a reply: the stream goes on past the end of the old one, and nothing of it is lost."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nura_rt.auth.tokens import Tokens
from nura_rt.cli.people import person_id
from peers import Frame, Peer, ended, peer, stranger
from servers import SECRET, Instance, StartInstance, token

pytestmark = pytest.mark.slow

SLOWLY = {"COMPANION_PACE_S": "4"}  # a reply takes half a minute or so
# Ran out 6 s ago: a hello is forgiven 10, an open socket 30.
NEARLY_OVER = Tokens(SECRET, ttl_s=60, clock=lambda: time.time() - 66)


@asynccontextmanager
async def following(instance: Instance, shown: str, room: str) -> AsyncIterator[Peer]:
    """A client with this token that follows the conversation."""
    async with stranger(instance) as socket:
        client = Peer(socket)
        await client.say("hello", token=shown)
        await client.hear("welcome")
        await client.join(room)
        yield client


def has_the_reply(heard: list[Frame]) -> bool:
    return any(one["type"] == "message" and one["role"] == "assistant" for one in heard)


async def test_a_reply_goes_on_past_the_end_of_a_token_that_was_renewed_meanwhile(
    start_instance: StartInstance,
) -> None:
    instance, name = start_instance(**SLOWLY), f"somebody-{uuid.uuid4().hex[:8]}"
    async with peer(instance, name) as owner:
        room = await owner.open_conversation()
    old = NEARLY_OVER.issue(person_id(name))
    async with following(instance, old, room) as renewing, following(instance, old, room) as careless:
        await renewing.send(room, "I could not sleep again, and tomorrow is a long day at work.")
        await renewing.hear("reply.delta", within_s=60)

        ref = await renewing.say("auth.refresh", token=token(name))
        await renewing.hear("auth.refreshed", ref=ref)
        hearing = asyncio.create_task(renewing.collect(has_the_reply, within_s=120))
        closed = await ended(careless.socket, within_s=60)  # here the old token is over
        before = len(renewing.heard)
        heard = await hearing

    deltas = [one for one in heard if one["type"] == "reply.delta"]
    assert closed == (4401, "token_expired")
    assert [one["n"] for one in deltas] == list(range(len(deltas)))
    assert "".join(one["text"] for one in deltas) == heard[-1]["text"]
    assert [one["type"] for one in heard[before:]].count("reply.delta") > 1
