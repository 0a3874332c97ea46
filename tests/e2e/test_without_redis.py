"""Redis is gone, for all or for one: chat across instances goes on by PostgreSQL, and sockets stay."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from rest import rest

from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, peer, until_seq
from proxy import Proxy, redis_socket
from servers import Instance, StartInstance

pytestmark = pytest.mark.slow

SOON_S = 8.0  # without the bus: what is kept elsewhere is heard within a few seconds


class Site:
    """Two instances, each with a link of its own to Redis."""

    def __init__(self, links: list[Proxy], instances: list[Instance]) -> None:
        self.links = links
        self.instances = instances


@pytest.fixture
async def site(start_instance: StartInstance, stores: Addresses) -> AsyncIterator[Site]:
    assert stores.redis_url is not None
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(Proxy(redis_socket(stores.redis_url))) for _ in range(2)]
        urls = [f"redis://127.0.0.1:{link.port}" for link in links]
        yield Site(links, [await asyncio.to_thread(start_instance, REDIS_URL=url) for url in urls])


async def readiness(instance: Instance) -> tuple[int, str]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{instance.url}/readyz", timeout=10)
    return answer.status_code, answer.json()["status"]


async def until_ready(instance: Instance, status: str) -> None:
    async with asyncio.timeout(20):
        found = await readiness(instance)
        while found[1] != status:
            await asyncio.sleep(0.2)
            found = await readiness(instance)


def removed(seq: int) -> Callable[[list[Frame]], bool]:
    """Enough for `collect`: this message was taken away."""
    return lambda heard: any(frame.get("removed_seq") == seq for frame in heard)


@pytest.mark.parametrize(("how", "lasts_s"), [("cut", 60.0), ("freeze", 15.0)])
async def test_without_redis_nothing_is_lost_and_chat_across_instances_goes_on(
    site: Site, how: str, lasts_s: float
) -> None:
    here, there = site.instances
    async with peer(here, f"without {how}") as speaker, peer(there, f"without {how}") as listener:
        conversation = await speaker.open_conversation()
        await speaker.join(conversation)
        await listener.join(conversation)
        for link in site.links:
            getattr(link, how)()
        await asyncio.gather(*(until_ready(one, "degraded") for one in site.instances))
        went = asyncio.get_running_loop().time()

        said = 0
        while asyncio.get_running_loop().time() - went < lasts_s:
            accepted = await speaker.send(conversation, f"without a bus {said}")
            await listener.collect(until_seq(accepted["seq"]), within_s=SOON_S)
            said += 1
            await asyncio.sleep(1)
        states = [await readiness(one) for one in site.instances]
        for link in site.links:
            link.heal()
        await asyncio.gather(*(until_ready(one, "ok") for one in site.instances))
        accepted = await speaker.send(conversation, "with a bus again")
        for one in (speaker, listener):
            await one.collect(until_seq(accepted["seq"] + 1))

    assert said > 1
    assert states == [(200, "degraded")] * 2
    for one in (speaker, listener):
        assert one.seqs() == list(range(1, accepted["seq"] + 2))


async def test_whom_redis_takes_nothing_from_is_heard_and_heeded_by_the_others_all_the_same(
    site: Site,
) -> None:
    """The others' own connections are well, so only the one that is cut off can tell them, through PostgreSQL."""
    cut_off, well = site.instances
    async with peer(cut_off, "one side") as speaker, peer(well, "one side") as listener:
        conversation, deleted = await speaker.open_conversation(), await speaker.open_conversation()
        for one in (conversation, deleted):
            await speaker.join(one)
            await listener.join(one)
            first = await speaker.send(one, "words to be taken back")
            await listener.collect(until_seq(first["seq"] + 1))
        async with rest(cut_off, "one side") as http:
            site.links[0].cut()
            await until_ready(cut_off, "degraded")
            gone = await http.delete(
                f"/v1/conversations/{conversation}/messages/{first_id(listener, conversation)}"
            )
            emptied = await http.delete(f"/v1/conversations/{deleted}")
            said = await speaker.send(conversation, "heard without a bus")
            await listener.collect(removed(1), within_s=SOON_S)
            await listener.collect(until_seq(said["seq"]), within_s=SOON_S)
            await listener.collect(told_of(deleted), within_s=SOON_S)
        async with peer(well, "one side") as late:
            await late.join(conversation, since=0)
            await late.collect(until_seq(said["seq"]))
            await late.say("subscribe", channel=f"conversation:{deleted}", since=0)
            refused = await late.hear("error")
        state = await readiness(well)

    assert (gone.status_code, emptied.status_code) == (200, 204)
    assert state == (200, "ok")
    assert 1 not in late.seqs()
    assert refused["code"] == "not_found"


def first_id(listener: Peer, conversation: str) -> str:
    return next(
        str(frame["message_id"]) for frame in listener.messages() if frame["conversation_id"] == conversation
    )


def told_of(conversation: str) -> Callable[[list[Frame]], bool]:
    """Enough for `collect`: the conversation is no more."""
    return lambda heard: any(
        frame["type"] == "conversation.removed" and frame["conversation_id"] == conversation
        for frame in heard
    )
