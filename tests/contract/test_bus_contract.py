"""What the bus keeps wherever Redis is: one server, behind TLS, as a user with few rights, a cluster."""

from collections.abc import AsyncIterator

import pytest

from bus_members import Member, conversation, member
from bus_places import Place
from nura_rt.cache import client
from nura_rt.realtime import channels, hint
from nura_rt.realtime.payload import Payload, Tier
from servers import eventually


@pytest.fixture
async def here(place: Place) -> AsyncIterator[Member]:
    async with member(place.url, "here") as one:
        yield one


@pytest.fixture
async def there(place: Place) -> AsyncIterator[Member]:
    async with member(place.url, "there") as one:
        yield one


async def test_what_one_instance_says_the_others_hear_and_it_does_not(here: Member, there: Member) -> None:
    await here.listen(conversation())
    await there.listen(conversation())

    here.say(conversation(), 1, b'{"text":"hello"}')
    await eventually(lambda: there.heard)

    assert there.heard == [(conversation(), 1, None, b'{"text":"hello"}', Tier.DURABLE)]
    assert here.heard == []


async def test_every_channel_keeps_its_order(here: Member, there: Member) -> None:
    names = [conversation(number) for number in range(20)]
    await there.listen(*names)

    for seq in range(1, 101):
        for name in names:
            here.say(name, seq)
    await eventually(lambda: len(there.heard) == 2_000)

    assert {name: there.seqs(name) for name in names} == {name: list(range(1, 101)) for name in names}


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize(("seq", "prev"), [(None, None), (7, None), (7, 3), (7, 0)])
async def test_a_frame_keeps_how_much_it_matters_and_what_it_covers(
    here: Member, there: Member, tier: Tier, seq: int | None, prev: int | None
) -> None:
    await there.listen(conversation())

    here.bus.publish(conversation(), seq, Payload(b"{}", tier), prev)
    await eventually(lambda: there.heard)

    assert there.heard == [(conversation(), seq, prev, b"{}", tier)]


async def test_who_left_a_channel_hears_it_no_more(here: Member, there: Member) -> None:
    await there.listen(conversation(1), conversation(2))

    there.bus.drop(conversation(1))
    await eventually(lambda: not there.hears(conversation(1)))
    here.say(conversation(1), 1)
    here.say(conversation(2), 1)
    await eventually(lambda: there.heard)

    assert {name for name, *_ in there.heard} == {conversation(2)}


async def test_a_large_frame_is_announced_by_its_seq(here: Member, there: Member) -> None:
    await there.listen(conversation())

    here.say(conversation(), 5, b"x" * 8_193, prev=2)
    await eventually(lambda: there.heard)

    assert there.heard == [(conversation(), 5, 2, None, None)]


async def test_a_large_frame_that_postgresql_does_not_have_comes_whole(here: Member, there: Member) -> None:
    await there.listen(channels.user("ada"))

    here.say(channels.user("ada"), None, b"x" * 60_000)
    await eventually(lambda: there.heard)

    assert [len(body or b"") for *_, body, _ in there.heard] == [60_000]


async def test_a_confirmation_somebody_waited_for_is_no_doubt(here: Member) -> None:
    await here.listen(conversation(1))
    before = here.resyncs

    here.bus.want(conversation(2))
    confirmed = await here.bus.confirmed(conversation(2), timeout_s=30)

    assert confirmed
    assert here.resyncs == before


async def test_a_new_connection_means_something_may_have_been_missed(
    place: Place, here: Member, there: Member
) -> None:
    await there.listen(conversation(1), conversation(2), conversation(3))
    before = there.resyncs

    await place.kill_listeners()
    await eventually(lambda: there.resyncs > before)
    await there.listen(conversation(1), conversation(2), conversation(3))
    for number in (1, 2, 3):
        here.say(conversation(number), 1)
    await eventually(lambda: len(there.heard) == 3)

    assert there.bus.connected


async def test_a_thousand_channels(here: Member, there: Member) -> None:
    names = [conversation(number) for number in range(1_000)]
    await there.listen(*names)

    for name in names:
        here.say(name, 1)
    await eventually(lambda: len(there.heard) == 1_000)

    assert sorted(name for name, *_ in there.heard) == sorted(names)


async def test_what_cannot_be_read_is_counted_and_harms_nothing(
    place: Place, here: Member, there: Member
) -> None:
    await there.listen(conversation())
    verb = "SPUBLISH" if len(place.servers) > 1 else "PUBLISH"
    for line in there.bus._lines.values():
        link = client.for_bus(place.url).link(line.node)
        await link.open()
        await link.ask([(verb, channels.on_bus(conversation()), b"nonsense")])
        await link.close()
    here.say(conversation(), 1)
    await eventually(lambda: there.heard)

    assert there.counters.snapshot()["bus_unreadable"] == 1


async def test_the_canary_comes_back(here: Member) -> None:
    line = next(line for line in here.bus._lines.values() if line.in_use)
    await eventually(lambda: line.canary._number > 0 and not line.canary._out)

    assert here.bus.state == "ok"


def test_a_hint_of_an_older_instance_is_read() -> None:
    found = hint.decode(b"old 12 1\n{}")

    assert found is not None
    assert (found.origin, found.seq, found.prev) == (b"old", 12, None)
