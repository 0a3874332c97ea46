"""What is kept of what could not be said: the highest seq of each channel, support cards and ends of replies whole."""

import asyncio

import pytest

from nura_rt.cache.servers import Servers
from nura_rt.cache.slots import Node
from nura_rt.protocol.server import ConversationRemoved, Gap
from nura_rt.realtime import outbound
from nura_rt.realtime.outbound import Item, Outbound, Unsaid
from nura_rt.realtime.payload import Payload, Tier
from nura_rt.telemetry import Counters
from servers import eventually

CARD = Payload(b'{"type":"support"}', Tier.SUPPORT)
TYPING = Payload(b'{"type":"typing"}', Tier.EPHEMERAL)
MESSAGE = Payload(b'{"type":"message"}')


def made() -> tuple[Outbound, Counters]:
    counters = Counters()
    made = Outbound(
        Servers("redis://nowhere"),
        Node(),
        verb="PUBLISH",
        origin=b"me",
        on_moved=lambda _: None,
        on_refusal=lambda _: None,
        counters=counters,
    )
    return made, counters


def said(items: list[Item]) -> list[tuple[str, int | None, bytes]]:
    return [(item.channel, item.seq, item.payload.data) for item in items]


def test_of_messages_the_highest_seq_is_kept_of_typing_nothing_of_cards_all() -> None:
    unsaid = Unsaid(Counters())
    for seq in (4, 6, 5):
        unsaid.keep(Item("conversation:a", seq, None, MESSAGE))
    unsaid.keep(Item("conversation:b", 1, None, MESSAGE))
    unsaid.keep(Item("user:a", None, None, TYPING))
    unsaid.keep(Item("user:a", None, None, CARD))
    unsaid.keep(Item("user:a", None, None, CARD))

    kept = said(unsaid.take_all())

    assert sorted(kept[2:]) == [("conversation:a", 6, b""), ("conversation:b", 1, b"")]
    assert kept[:2] == [("user:a", None, CARD.data)] * 2
    assert unsaid.take_all() == []


def test_a_person_is_told_to_look_anew_a_conversation_is_told_how_its_reply_ended() -> None:
    counters = Counters()
    unsaid = Unsaid(counters)
    started, ended = Payload(b'{"type":"reply.started"}'), Payload(b'{"type":"reply.ended"}')
    for item in (started, ended):
        unsaid.keep(Item("conversation:a", None, None, item))
    for _ in range(2):
        unsaid.keep(Item("user:a", None, None, Payload(b'{"type":"conversation.changed"}')))

    kept = said(unsaid.take_all())

    lost = Payload.of(Gap("user:a", 0, 0, "lost"))
    assert kept == [("conversation:a", None, ended.data), ("user:a", None, lost.data)]
    assert counters.snapshot()["bus_dropped"] == 3


def test_what_was_deleted_is_told_whole_so_that_nobody_goes_on_handing_it_out() -> None:
    unsaid = Unsaid(Counters())
    removed = Payload.of(ConversationRemoved("c"))

    unsaid.keep(Item("user:a", None, None, removed))

    assert said(unsaid.take_all()) == [("user:a", None, removed.data)]


def test_what_has_no_place_any_more_is_a_reason_to_look_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's flood may make another person's deletion be forgotten without a word."""
    monkeypatch.setattr(outbound, "_WAITING_AT_MOST", 3)
    unsaid, removed = Unsaid(Counters()), Payload.of(ConversationRemoved("c"))

    for number in range(4):
        unsaid.keep(Item(f"user:{number}", None, None, removed))

    told = [(channel, data.startswith(b'{"type":"gap"')) for channel, _, data in said(unsaid.take_all())]
    assert told == [("user:1", False), ("user:2", False), ("user:3", False), ("user:0", True)]


def test_what_is_ephemeral_and_canaries_are_nothing_to_be_behind_with() -> None:
    unsaid = Unsaid(Counters())
    for item in (
        Item("user:a", None, None, TYPING),
        Item("canary:me-0", 7, None, Payload(b"", Tier.EPHEMERAL)),
    ):
        unsaid.keep(item)

    assert not unsaid
    assert unsaid.take_all() == []


async def test_it_is_behind_from_the_first_failure_until_all_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbound, "_RETRY_S", 0.0)
    speaks, _ = made()
    fails, seen = [True, True, False], list[bool]()

    async def say(_: object, batch: list[Item]) -> list[Item]:
        seen.append(speaks.is_behind)
        return batch if fails.pop(0) else []

    monkeypatch.setattr(speaks, "_say", say)
    task = asyncio.create_task(speaks.send_for_ever())
    speaks.publish(Item("conversation:a", 4, None, MESSAGE))
    await eventually(lambda: not fails and not speaks.is_behind)
    task.cancel()

    assert seen == [False, True, True]


def test_it_is_given_out_in_portions() -> None:
    unsaid = Unsaid(Counters())
    for number in range(10):
        unsaid.keep(Item(f"conversation:{number}", 1, None, MESSAGE))

    portions = [unsaid.take(4) for _ in range(4)]

    assert [len(portion) for portion in portions] == [4, 4, 2, 0]
    assert len({item.channel for portion in portions for item in portion}) == 10


def test_too_many_frames_become_hints() -> None:
    queue, counters = made()
    for seq in range(1, outbound._WAITING_AT_MOST + 11):
        queue.publish(Item("conversation:a", seq, None, MESSAGE))

    rest = said(queue.unsaid())

    assert counters.snapshot()["bus_dropped"] == 10
    assert rest == [("conversation:a", outbound._WAITING_AT_MOST + 10, b"")]


def test_too_many_bytes_become_hints() -> None:
    queue, counters = made()
    large = Payload(b"x" * 8_192)
    for seq in range(1, 3_001):
        queue.publish(Item("conversation:a", seq, None, large))

    assert counters.snapshot()["bus_dropped"] == 3_000 - outbound._WAITING_BYTES // 8_192
    assert queue._bytes <= outbound._WAITING_BYTES


def test_what_leaves_the_queue_makes_room() -> None:
    queue, _ = made()
    for seq in range(1, 2_001):
        queue.publish(Item("conversation:a", seq, None, MESSAGE))

    batches = []
    while batch := queue._next():
        batches.append([item.seq for item in batch])

    assert [seq for batch in batches for seq in batch] == list(range(1, 2_001))
    assert max(map(len, batches)) == outbound._AT_ONCE
    assert queue._bytes == 0
