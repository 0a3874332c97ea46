"""The support card of a title or a profile is a notice of the commit that keeps the words."""

import json
from datetime import UTC, datetime

import asyncpg
import pytest

from nura_rt.conversation.create import Creation, Written
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.talks import Talks
from nura_rt.conversation.threads import Ended, Threads
from nura_rt.conversation.words import Words, cause_of
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.store import conversations
from nura_rt.store.pool import as_person
from nura_rt.telemetry import Counters
from relayed import Relayed
from rows import make_person

SERIOUS = "I want to kill myself tonight"
KEYS = """
    SELECT n.key, n.xmin = e.xmin AS same_commit FROM nura.notices n JOIN nura.crisis_events e USING (user_id)
     WHERE user_id = $1
"""


@pytest.fixture
def said_again() -> list[str]:
    return []


@pytest.fixture
def words(relayed: Relayed, said_again: list[str]) -> Words:
    def say_again(_: str, card: object) -> None:
        said_again.append(card.notice_id)  # type: ignore[attr-defined]

    return Words(Pipeline.load(), SupportCards(relayed.hub, lambda level: (level, []), say_again))


@pytest.fixture
def written(door: asyncpg.Pool, people: asyncpg.Pool, relayed: Relayed) -> Written:
    return Written(door, people, relayed.hub)


def talks_of(people: asyncpg.Pool, relayed: Relayed) -> Talks:
    """What the threads tell that a title has changed."""
    return Talks(people=people, door=people, keyring=None, hub=relayed.hub, counters=Counters())


async def test_a_title_that_worries_leaves_a_notice_in_its_own_commit(
    root: asyncpg.Connection, words: Words, written: Written, relayed: Relayed, said_again: list[str]
) -> None:
    person = await make_person(root)
    creation = Creation(words, written)

    made = await creation.open(person, client_id="k1", title=SERIOUS)
    again = await creation.open(person, client_id="k1", title=SERIOUS)

    found = await root.fetch(KEYS, person)
    assert made.support is not None
    assert [tuple(row) for row in found] == [(made.support.notice_id, True)]
    assert again.support == made.support
    assert [frame["notice_id"] for frame in relayed.of_type("support")] == [made.support.notice_id]
    assert said_again == [made.support.notice_id]  # the repeat asks whether it was taken note of


async def test_a_change_that_worries_leaves_the_notice_that_was_shown(
    root: asyncpg.Connection, words: Words, written: Written, people: asyncpg.Pool, door: asyncpg.Pool,
    relayed: Relayed,
) -> None:  # fmt: skip
    person = await make_person(root)
    made = await Creation(words, written).create(person, client_id="k1", title=None)
    threads = Threads(words, written, talks_of(people, relayed))
    read = await threads.find(person, made.id)

    changed = await threads.change(person, conversations.Words(title=SERIOUS), read, strictly=False)

    waiting = await Notices(people, door=door, hub=relayed.hub, counters=Counters()).pending(person)
    assert changed.support is not None
    assert len(waiting) == 1
    assert changed.support.notice_id.encode() in waiting[0].data


async def test_a_change_that_is_not_written_leaves_no_notice_but_shows_the_card(
    root: asyncpg.Connection, words: Words, written: Written, people: asyncpg.Pool, relayed: Relayed
) -> None:
    person = await make_person(root)
    made = await Creation(words, written).create(person, client_id="k1", title=None)
    threads = Threads(words, written, talks_of(people, relayed))
    read = await threads.find(person, made.id)
    await threads.change(person, conversations.Words(status="ended"), read, strictly=False)

    with pytest.raises(Ended):
        await threads.change(
            person, conversations.Words(title=SERIOUS, status="active"), read, strictly=False
        )

    assert await root.fetch(KEYS, person) == []
    assert len(relayed.of_type("support")) == 1


async def test_a_cause_that_was_kept_before_leaves_no_second_event(
    root: asyncpg.Connection, words: Words, door: asyncpg.Pool
) -> None:
    person = await make_person(root)
    found = words.screen({"device": SERIOUS})
    cause = {"person_id": person, "conversation_id": None, "cause_id": cause_of(found, person)}

    async with as_person(door, person) as conn:
        kept = [await words.keep(conn, found, **cause) for _ in range(2)]  # type: ignore[arg-type]

    assert kept == [True, False]
    assert len(await root.fetch(KEYS, person)) == 1


async def test_words_of_long_ago_leave_an_event_with_their_time_and_no_card(
    root: asyncpg.Connection, words: Words, door: asyncpg.Pool
) -> None:
    person, then = await make_person(root), datetime(2024, 1, 1, tzinfo=UTC)
    found = words.screen({"profile": SERIOUS})

    async with as_person(door, person) as conn:
        await words.keep(conn, found, person_id=person, conversation_id=None, cause_id="x", long_ago=then)

    events = await root.fetch("SELECT indicators FROM nura.crisis_events WHERE user_id = $1", person)
    assert [json.loads(event[0])["written_at"] for event in events] == [then.isoformat()]
    assert await root.fetch(KEYS, person) == []
