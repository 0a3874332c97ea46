"""The network between an instance and its stores breaks: nothing acknowledged is kept from anybody for long."""

import asyncio

import pytest

from nura_rt.embedded.stack import Addresses
from peers import peer, until_seq
from proxy import Proxy, redis_socket
from servers import Instance, StartInstance

pytestmark = pytest.mark.slow


async def test_what_a_sender_could_not_publish_is_told_when_redis_is_back(
    instance: Instance, start_instance: StartInstance, stores: Addresses
) -> None:
    assert stores.redis_url is not None
    async with Proxy(redis_socket(stores.redis_url)) as link:
        cut_off = await asyncio.to_thread(start_instance, REDIS_URL=f"redis://127.0.0.1:{link.port}")
        async with peer(cut_off, "publisher") as sender, peer(instance, "publisher") as listener:
            conversation = await sender.open_conversation()
            await sender.join(conversation)
            await listener.join(conversation)
            await sender.send(conversation, "before the cut")
            await listener.collect(until_seq(2))

            link.cut()
            accepted = await sender.send(conversation, "while it is cut")
            await sender.collect(until_seq(accepted["seq"] + 1))  # the reply too: nothing more will be said
            link.heal()
            await listener.collect(until_seq(accepted["seq"] + 1))

            assert listener.seqs() == [1, 2, 3, 4]
