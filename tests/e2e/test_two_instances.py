"""Two processes, one PostgreSQL, one Valkey: what is said at one is heard at the other, once, in one order."""

import asyncio
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from ledger import answered, lines

from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, peer, until_seq
from servers import RAISED, Instance, environ_of

pytestmark = pytest.mark.slow

Pair = tuple[Instance, Instance]
SENDERS = 200
EACH_SENDS = 3


@pytest.fixture(scope="module")
def pair(folder: Path, stores: Addresses) -> Iterator[Pair]:
    """Two instances on the same stores, where a person may send as fast as they like."""
    started: list[Instance] = []
    for name in ("left", "right"):
        (folder / name).mkdir()
        started.append(Instance(folder / name, {**environ_of(stores), **RAISED}).start())
    yield started[0], started[1]
    for one in started:
        one.stop()


def up_to(head: int) -> list[int]:
    return list(range(1, head + 1))


@pytest.mark.parametrize("here", [0, 1])
async def test_a_message_and_its_reply_are_heard_at_the_other_instance(pair: Pair, here: int) -> None:
    async with peer(pair[here], "crosser") as speaker, peer(pair[1 - here], "crosser") as listener:
        conversation = await speaker.open_conversation()
        await listener.join(conversation)

        accepted = await speaker.send(conversation, "I slept badly and worry about tomorrow")

        told = await listener.hear("message", message_id=accepted["message_id"])
        started = await listener.hear("reply.started", reply_to=accepted["message_id"])
        reply = await listener.hear("message", reply_to=accepted["message_id"])
        ended = await listener.hear("reply.ended", run_id=started["run_id"])
    deltas = [frame for frame in listener.heard if frame["type"] == "reply.delta"]
    assert told["text"] == "I slept badly and worry about tomorrow"
    assert (told["seq"], reply["seq"], ended["seq"]) == (1, 2, 2)
    assert "".join(frame["text"] for frame in deltas) == reply["text"]
    assert [frame["n"] for frame in deltas] == list(range(len(deltas)))


async def test_a_new_conversation_is_told_to_the_persons_devices_everywhere(pair: Pair) -> None:
    async with peer(pair[0], "opener") as here, peer(pair[1], "opener") as there:
        conversation = await here.open_conversation(title="Evening")

        told = await there.hear("conversation.changed")

    assert (told["conversation"]["conversation_id"], told["conversation"]["title"]) == (
        conversation,
        "Evening",
    )


async def test_an_accepted_message_is_visible_to_everybody_who_may_look(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    async with peer(pair[0], "prover") as speaker:
        conversation = await speaker.open_conversation()
        for number in range(50):
            accepted = await speaker.send(conversation, f"thought {number}")

            row = await admin.fetchrow(
                "SELECT m.seq, j.kind FROM messages m LEFT JOIN nura.jobs j ON j.key = 'reply:' || m.id "
                "WHERE m.id = $1",
                accepted["message_id"],
            )

            assert row is not None
            assert tuple(row) == (accepted["seq"], "reply")
    await answered(admin, conversation)


@pytest.mark.parametrize("doors", [(0, 0), (0, 1)], ids=["one instance", "two instances"])
@pytest.mark.parametrize("sockets", [1, 2])
@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
async def test_the_same_client_id_again_is_the_same_message(
    pair: Pair, admin: asyncpg.Connection, doors: tuple[int, int], sockets: int, at_once: bool
) -> None:
    if doors == (0, 1) and sockets == 1:
        doors = (1, 1)  # one socket is on one instance: the other one this time
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(peer(pair[doors[0]], "repeater"))
        second = await stack.enter_async_context(peer(pair[doors[1]], "repeater")) if sockets == 2 else first
        conversation = await first.open_conversation()
        await first.join(conversation)
        message = {"conversation_id": conversation, "client_id": uuid.uuid4().hex, "text": "Did this arrive?"}

        refs = [await first.say("message.send", **message)]
        if not at_once:
            await first.collect(lambda heard: heard[-1]["type"] == "reply.ended")
        refs.append(await second.say("message.send", **message))
        await first.collect(lambda heard: "reply.ended" in {frame["type"] for frame in heard})
        answers = await both(first, second, refs)
        noise = await first.silence(for_s=0.3)

    rows = await answered(admin, conversation)
    assert {(frame["message_id"], frame["seq"]) for frame in answers} == {(rows[0].message_id, 1)}
    assert sorted(frame["duplicate"] for frame in answers) == [False, True]
    assert [(row.role, row.answers) for row in rows] == [("user", None), ("assistant", rows[0].message_id)]
    assert first.seqs() == [1, 2]
    # its line of the list follows within a second, once and for itself
    assert [frame["type"] for frame in noise if frame["type"] != "conversation.changed"] == []


async def both(first: Peer, second: Peer, refs: list[str]) -> list[Frame]:
    """The two `accepted`, wherever they arrive."""
    await first.collect(lambda heard: refs[0] in {frame.get("ref") for frame in heard})
    await second.collect(lambda heard: refs[1] in {frame.get("ref") for frame in heard})
    heard = [*first.heard, *(second.heard if second is not first else ())]
    return [frame for frame in heard if frame["type"] == "accepted" and frame["ref"] in refs]


async def test_many_repeats_at_both_instances_at_the_same_moment_are_kept_once(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    names = [f"race-{number}" for number in range(40)]
    async with peer(pair[0], "racer") as left, peer(pair[1], "racer") as right:
        conversation = await left.open_conversation()

        await asyncio.gather(
            *(
                one.say(
                    "message.send", ref=name, conversation_id=conversation, client_id=name, text="me first"
                )
                for name in names
                for one in (left, right)
            )
        )
        for one in (left, right):
            await one.collect(lambda heard: {frame.get("ref") for frame in heard} >= set(names))
        rows = await answered(admin, conversation)

    answers = [frame for frame in left.heard + right.heard if frame["type"] == "accepted"]
    first = {frame["ref"]: frame["message_id"] for frame in answers if not frame["duplicate"]}
    assert Counter(frame["duplicate"] for frame in answers) == {False: 40, True: 40}
    assert all(frame["message_id"] == first[frame["ref"]] for frame in answers)
    assert [row.seq for row in rows] == up_to(80)
    assert Counter(row.answers for row in rows if row.answers) == dict.fromkeys(first.values(), 1)


async def test_two_hundred_senders_at_once_make_one_gapless_order(
    pair: Pair, admin: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = SENDERS * EACH_SENDS
    async with AsyncExitStack() as stack:
        senders = await asyncio.gather(
            *(stack.enter_async_context(peer(pair[number % 2], "crowd")) for number in range(SENDERS))
        )
        listeners = [await stack.enter_async_context(peer(one, "crowd")) for one in (*pair, *pair)]
        conversation = await senders[0].open_conversation()
        for listener in listeners:
            await listener.join(conversation)
        hearing = [asyncio.create_task(one.collect(until_seq(2 * sent), within_s=60)) for one in listeners]

        began = time.monotonic()
        accepted = await asyncio.gather(*(say_often(one, conversation) for one in senders))
        took_s = time.monotonic() - began
        rows = await answered(admin, conversation, within_s=60)
        all_took_s = time.monotonic() - began
        await asyncio.gather(*hearing)

    with capsys.disabled():
        sys.stdout.write(
            f"\n  {sent} messages of {SENDERS} senders acknowledged in {took_s:.2f} s, all answered and heard "
            f"after {all_took_s:.1f} s; limits: {RAISED}\n"
        )
    assert [row.seq for row in rows] == up_to(2 * sent)
    assert len({frame["seq"] for some in accepted for frame in some}) == sent
    assert not any(frame["duplicate"] for some in accepted for frame in some)
    assert len({row.answers for row in rows if row.role == "assistant"}) == sent
    for listener in listeners:
        assert [(frame["seq"], frame["message_id"]) for frame in listener.messages()] == [
            (row.seq, row.message_id) for row in rows
        ]


async def say_often(sender: Peer, conversation: str) -> list[Frame]:
    return [await sender.send(conversation, f"I think of {number}") for number in range(EACH_SENDS)]


async def test_a_client_resumes_at_the_other_instance_with_exactly_what_it_missed(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    async with peer(pair[0], "traveller") as speaker:
        conversation = await speaker.open_conversation()
        async with peer(pair[0], "traveller") as before:
            await before.join(conversation)
            await speaker.send(conversation, "before I left")
            await before.collect(until_seq(2))
        for number in range(5):
            await speaker.send(conversation, f"while I was away {number}")
        missed = await answered(admin, conversation)

        async with peer(pair[1], "traveller") as after:
            subscribed = await after.join(conversation, since=2)
            await after.collect(until_seq(missed[-1].seq))
            await speaker.send(conversation, "now I am back")
            await after.collect(until_seq(missed[-1].seq + 2))

    rows = await lines(admin, conversation)
    assert before.seqs() == [1, 2]
    assert (subscribed["head"], subscribed["recovered"]) == (12, True)
    assert [frame["message_id"] for frame in after.messages()] == [row.message_id for row in rows[2:]]
    assert after.seqs() == list(range(3, 15))


async def test_a_client_that_resumes_amid_a_stream_hears_every_message_once(
    pair: Pair, admin: asyncpg.Connection
) -> None:
    heard: list[int] = []
    async with peer(pair[0], "commuter") as speaker, AsyncExitStack() as stack:
        conversation = await speaker.open_conversation()
        for one in pair:  # the room is live on both instances while the rider gets on and off
            stayer = await stack.enter_async_context(peer(one, "commuter"))
            await stayer.join(conversation)
            stack.callback(asyncio.create_task(stayer.silence(for_s=60)).cancel)
        streaming = asyncio.create_task(speaker.stream(conversation, 200))
        while not streaming.done():
            async with peer(pair[len(heard) % 2], "commuter") as rider:
                await rider.join(conversation, since=max(heard, default=0))
                await rider.silence(for_s=0.02)
            heard += rider.seqs()
        rows = await answered(admin, conversation)
        async with peer(pair[1], "commuter") as rider:
            await rider.join(conversation, since=max(heard, default=0))
            await rider.collect(lambda _: max([*heard, *rider.seqs()], default=0) >= 400)
            await rider.silence(for_s=0.3)
        heard += rider.seqs()

    assert [row.seq for row in rows] == up_to(400)
    assert heard == up_to(400)


async def test_the_sender_gets_accepted_before_its_own_message(pair: Pair, admin: asyncpg.Connection) -> None:
    async with peer(pair[0], "early") as speaker:
        conversation = await speaker.open_conversation()
        await speaker.join(conversation)

        for number in range(100):
            message = {"conversation_id": conversation, "client_id": f"c{number}", "text": f"word {number}"}
            await speaker.say("message.send", **message)
        await speaker.collect(until_seq(200), within_s=30)

    order = [(frame["type"], frame["message_id"]) for frame in speaker.heard if "message_id" in frame]
    accepted = [message_id for kind, message_id in order if kind == "accepted"]
    late = [each for each in accepted if order.index(("accepted", each)) > order.index(("message", each))]
    assert len(accepted) == 100
    assert late == []
    await answered(admin, conversation)
