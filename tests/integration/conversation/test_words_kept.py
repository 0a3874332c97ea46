"""The support card of a title or a profile is a notice of the commit that keeps the words."""

import asyncpg
import pytest

from nura_rt.conversation.create import Creation, Written
from nura_rt.conversation.notices import Notices
from nura_rt.conversation.recent import RecentLevels
from nura_rt.conversation.support import SupportCards
from nura_rt.conversation.threads import Ended, Threads
from nura_rt.conversation.words import Words
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.store import conversations
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


async def test_a_title_that_worries_leaves_a_notice_in_its_own_commit(
    root: asyncpg.Connection, words: Words, written: Written, relayed: Relayed, said_again: list[str]
) -> None:
    person = await make_person(root)
    creation = Creation(words, written, RecentLevels())

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
    recent = RecentLevels()
    made = await Creation(words, written, recent).create(person, client_id="k1", title=None)
    threads = Threads(words, written, recent)
    read = await threads.find(person, made.id)

    changed = await threads.change(person, conversations.Words(title=SERIOUS), read, strictly=False)

    waiting = await Notices(people, door=door, hub=relayed.hub, counters=Counters()).pending(person)
    assert changed.support is not None
    assert len(waiting) == 1
    assert changed.support.notice_id.encode() in waiting[0].data


async def test_a_change_that_is_not_written_leaves_no_notice_but_shows_the_card(
    root: asyncpg.Connection, words: Words, written: Written, relayed: Relayed
) -> None:
    person = await make_person(root)
    recent = RecentLevels()
    made = await Creation(words, written, recent).create(person, client_id="k1", title=None)
    threads = Threads(words, written, recent)
    read = await threads.find(person, made.id)
    await threads.change(person, conversations.Words(status="ended"), read, strictly=False)

    with pytest.raises(Ended):
        await threads.change(
            person, conversations.Words(title=SERIOUS, status="active"), read, strictly=False
        )

    assert await root.fetch(KEYS, person) == []
    assert len(relayed.of_type("support")) == 1
