"""An instance is told to leave: it says so, ends what it began, lets its clients go, and owes nobody anything."""

import asyncio
import contextlib
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest
from deaf import deaf
from ledger import answered, lines
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, ended, peer, stranger
from proxy import Proxy, postgres_socket, postgres_through
from servers import RAISED, Instance, StartInstance, environ_of, eventually

pytestmark = pytest.mark.slow

WITHIN_S = 35  # the promise: nothing keeps an instance longer
SLOWLY = {"COMPANION_PACE_S": "1"}  # a reply takes eight seconds or so
ASIDE = {"heartbeat", "presence", "conversation.changed"}  # may come at any time
ENDLESSLY = {"COMPANION_PACE_S": "5"}  # a reply takes longer than anybody waits


def tell_to_leave(instance: Instance, sig: signal.Signals = signal.SIGTERM) -> None:
    assert instance.process is not None
    instance.process.send_signal(sig)


async def left(instance: Instance, *, within_s: float = WITHIN_S) -> tuple[int, bool]:
    """Its exit code, and whether it said that everything acknowledged is kept."""
    assert instance.process is not None
    code = await asyncio.to_thread(instance.process.wait, within_s)
    return code, "Stopped; everything acknowledged is kept." in instance.log


async def to_the_end(
    client: Peer, *, within_s: float = WITHIN_S + 10
) -> tuple[list[str], tuple[int, str] | None]:
    """The types of the frames heard from now on, runs of deltas as one, and how the server closed."""
    kinds: list[str] = []
    try:
        async with asyncio.timeout(within_s):
            while True:
                client.heard.append(json.loads(await client.socket.recv()))
                kind = client.heard[-1]["type"]
                if kinds[-1:] != [kind] and kind not in ASIDE:
                    kinds.append(kind)
    except ConnectionClosed as closed:
        return kinds, (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None


async def health(instance: Instance) -> tuple[int, Frame]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{instance.url}/readyz", timeout=10)
    return response.status_code, response.json()


async def refusal(instance: Instance) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as refused:
        async with stranger(instance):
            pass
    return refused.value


async def test_who_waits_for_a_reply_hears_its_end_and_nobody_new_comes_in(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    instance = await asyncio.to_thread(start_instance, **SLOWLY)
    async with peer(instance, "leaver") as client, deaf(instance, "stuck"), peer(instance, "idle") as idle:
        conversation = await client.open_conversation()
        await client.join(conversation)
        accepted = await client.send(conversation, "please stay a little")
        await client.hear("reply.delta")

        tell_to_leave(instance)

        idle_heard = await to_the_end(idle)
        readiness, refused = await health(instance), await refusal(instance)
        heard = await to_the_end(client)
        stopped = await left(instance)

    assert idle_heard == (["draining"], (4000, "draining"))
    assert readiness == (503, {"status": "draining", "database": "ok", "bus": "ok"})
    assert refused.response.status_code == 503
    assert refused.response.headers["Retry-After"] == "1"
    assert "draining" in heard[0]
    assert heard[0][heard[0].index("draining") :] == [
        "draining",
        "reply.delta",
        "message",
        "reply.ended",
    ]
    assert heard[1] == (4000, "draining")
    assert stopped == (0, True)
    kept = await lines(admin, conversation)
    assert [(line.seq, line.answers) for line in kept] == [(1, None), (2, accepted["message_id"])]


async def test_the_more_clients_the_longer_the_window_over_which_they_are_sent_away(
    start_instance: StartInstance,
) -> None:
    instance = await asyncio.to_thread(start_instance, **RAISED)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(peer(instance, f"one {n % 60}")) for n in range(120)]
        listening = [asyncio.create_task(to_the_end(client)) for client in clients]

        tell_to_leave(instance)

        heard = await asyncio.gather(*listening)
        stopped = await left(instance)

    announced = sorted(
        frame["reconnect_after_ms"]
        for client in clients
        for frame in client.heard
        if frame["type"] == "draining"
    )
    assert heard == [(["draining"], (4000, "draining"))] * 120
    assert all(n * 2.5 - 1 <= after_ms <= (n + 1) * 2.5 + 1 for n, after_ms in enumerate(announced))
    assert stopped == (0, True)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_waiting_and_what_was_begun_is_another_instances(
    start_instance: StartInstance, admin: asyncpg.Connection, second: signal.Signals
) -> None:
    instance = await asyncio.to_thread(start_instance, **ENDLESSLY)
    other = await asyncio.to_thread(start_instance)
    async with peer(instance, "hurried") as client:
        conversation = await client.open_conversation()
        await client.join(conversation)
        await client.send(conversation, "take your time")
        await client.hear("reply.delta")
        tell_to_leave(instance)
        await client.hear("draining")
        accepted = await client.send(conversation, "one more thing")

        tell_to_leave(instance, second)

        heard = await to_the_end(client, within_s=15)  # without it the reply is waited for: 20 s
        stopped = await left(instance)
    rows = await answered(admin, conversation, within_s=15)  # a lease left behind would last 30 s

    assert (accepted["seq"], heard[1]) == (2, (4000, "draining"))
    assert stopped == (0, True)
    assert {row.answers for row in rows if row.answers} == {row.message_id for row in rows if not row.answers}
    assert other.process is not None
    assert other.process.poll() is None


async def test_whatever_is_accepted_while_an_instance_leaves_is_answered_soon(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    instance = await asyncio.to_thread(start_instance, **RAISED, COMPANION_PACE_S="0.05")
    await asyncio.to_thread(start_instance)  # takes over what is left
    async with peer(instance, "busy") as client:
        conversations = [await client.open_conversation() for _ in range(8)]
        for conversation in conversations:
            await client.send(conversation, "here I am")

        for number in range(40):
            if number == 20:
                tell_to_leave(instance)
            with contextlib.suppress(ConnectionClosed):
                await client.say(
                    "message.send",
                    conversation_id=conversations[number % 8],
                    client_id=f"{conversations[0]}-{number}"[-40:],
                    text="still there?",
                )
        heard = await to_the_end(client)
        stopped = await left(instance)
    accepted = {frame["message_id"] for frame in client.heard if frame["type"] == "accepted"}
    rows = await answered(admin, *conversations, within_s=20)  # a lease left behind would last 30 s

    assert heard[1] == (4000, "draining")
    assert stopped == (0, True)
    assert len(accepted) >= 8
    assert accepted <= {row.message_id for row in rows}
    assert {row.answers for row in rows if row.answers} == {row.message_id for row in rows if not row.answers}


async def test_an_instance_with_idle_clients_only_ends_at_once(start_instance: StartInstance) -> None:
    instance = await asyncio.to_thread(start_instance, **ENDLESSLY)
    async with peer(instance, "idle") as idle, deaf(instance, "stuck"), stranger(instance) as silent:
        tell_to_leave(instance, signal.SIGINT)

        heard = await to_the_end(idle)
        code, _ = await ended(silent)
        stopped = await left(instance, within_s=10)

    assert heard == (["draining"], (4000, "draining"))
    assert code == 1012  # never identified: whatever it is, it may come back
    assert stopped == (0, True)


async def test_neither_a_stuck_client_nor_a_frozen_postgresql_keeps_an_instance(
    start_instance: StartInstance, stores: Addresses
) -> None:
    assert stores.database_url is not None
    async with Proxy(postgres_socket(stores.database_url)) as link:
        url = postgres_through(stores.database_url, link.port)
        instance = await asyncio.to_thread(start_instance, **SLOWLY, SUPABASE_DATABASE_URL=url)
        async with peer(instance, "frozen") as client, deaf(instance, "stuck"):
            conversation = await client.open_conversation()
            await client.join(conversation)
            await client.send(conversation, "are you there")
            await client.hear("reply.delta")
            link.freeze()
            await client.say(
                "message.send", conversation_id=conversation, client_id="never-kept", text="hello?"
            )
            async with asyncio.timeout(WITHIN_S):
                tell_to_leave(instance)
                await client.hear("draining")

                readiness = await health(instance)
                heard = await to_the_end(client)
                stopped = await left(instance)

    assert readiness == (503, {"status": "draining", "database": "failed", "bus": "ok"})
    assert heard[1] == (4000, "draining")
    assert stopped == (0, True)


async def test_signals_that_go_on_coming_do_not_cut_the_end_short(
    start_instance: StartInstance, admin: asyncpg.Connection
) -> None:
    instance = await asyncio.to_thread(start_instance, **ENDLESSLY)
    assert instance.process is not None
    async with peer(instance, "hurried") as client:
        conversation = await client.open_conversation()
        accepted = await client.send(conversation, "somebody will answer me")

        while instance.process.poll() is None and "Stopped;" not in instance.log:
            tell_to_leave(instance)
            await asyncio.sleep(0.005)

    assert "Stopped; everything acknowledged is kept." in instance.log
    assert await state_of(admin, accepted) in ("due", "done")


async def state_of(admin: asyncpg.Connection, accepted: Frame) -> str:
    """What became of the reply job; another instance of the same run may hold it for a moment."""
    state, job = "", f"reply:{accepted['message_id']}"
    for _ in range(100):  # the lease of one that was not given back lasts thirty seconds
        state = await admin.fetchval("SELECT state FROM nura.jobs WHERE key = $1", job)
        if state != "leased":
            break
        await asyncio.sleep(0.1)
    return state


async def test_an_instance_that_is_told_to_leave_before_it_is_ready_does(
    folder: Path, stores: Addresses
) -> None:
    assert stores.database_url is not None
    async with Proxy(postgres_socket(stores.database_url)) as link:
        link.freeze()
        (data := folder / "never-ready").mkdir()
        url = postgres_through(stores.database_url, link.port)
        instance = Instance(data, environ_of(stores) | {"SUPABASE_DATABASE_URL": url})
        starting = asyncio.create_task(asyncio.to_thread(instance.start))
        await eventually(lambda: link._links)

        tell_to_leave(instance)

        with pytest.raises(AssertionError, match="the instance ended with 0"):
            await starting
