"""Words that are moved in are screened like any: an event in the commit that keeps them, a card if they are new."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

import legacy_people
from databases import Database
from legacy_people import FIRST, SECOND, at, move, put
from nura_rt.store import legacy_source

SENTENCE = "I am going to kill myself tonight"
TODAY = datetime.now(UTC) - timedelta(days=1)
EVENTS = "SELECT source, level, indicators, xmin FROM nura.crisis_events WHERE user_id = $1"
CARDS = "SELECT frame, xmin FROM nura.notices WHERE user_id = $1 AND kind = 'support'"


@pytest.mark.parametrize(
    "row",
    [
        {"name": SENTENCE},
        {"nickname": SENTENCE},
        {"bio": f"I paint.\n{SENTENCE}"},
        {"bio": f"{'y' * 9_000} {SENTENCE}"},  # beyond what is kept, but the person wrote it
        {"privacy": SENTENCE},
        {"chat_preferences": json.dumps({"a": [{"note": SENTENCE}]})},
        {"voice_preferences": SENTENCE},
        {"chat_usage": json.dumps({SENTENCE: 1})},
    ],
    ids=lambda row: " ".join(row),
)
async def test_words_of_today_leave_an_event_and_a_card_in_their_commit(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection, row: dict[str, Any]
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, updated_at=TODAY, **row)

    report = await move(old, target)

    (event,) = await eyes.fetch(EVENTS, str(FIRST))
    (card,) = await eyes.fetch(CARDS, str(FIRST))
    assert (event["source"], event["level"]) == ("profile", "critical")
    assert event["xmin"] == card["xmin"] == await eyes.fetchval("SELECT xmin FROM users")
    assert json.loads(card["frame"])["level"] == "critical"
    assert all(one["rule"] for one in json.loads(event["indicators"])["indicators"])
    assert "myself" not in str(dict(event))
    assert report.reasons["crisis_words"] == 1


async def test_several_words_of_a_row_are_one_event(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(
        hands, id=FIRST, updated_at=TODAY, bio=SENTENCE, nickname="I cut myself last night", privacy=SENTENCE
    )

    await move(old, target)

    (event,) = await eyes.fetch(EVENTS, str(FIRST))
    names = {one["name"] for one in json.loads(event["indicators"])["indicators"]}
    assert {"self_harm", "active_ideation"} <= names
    assert len(await eyes.fetch(CARDS, str(FIRST))) == 1


@pytest.mark.parametrize(
    ("days", "cards"), [(29, 1), (31, 0), (None, 1)], ids=["lately", "long ago", "nobody knows when"]
)
async def test_old_words_leave_their_event_with_its_time_and_no_card(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection, days: int | None, cards: int,
) -> None:  # fmt: skip
    changed = None if days is None else datetime.now(UTC) - timedelta(days=days)
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, bio=SENTENCE, updated_at=changed)

    await move(old, target)

    (event,) = await eyes.fetch(EVENTS, str(FIRST))
    told = json.loads(event["indicators"])
    assert event["level"] == "critical"
    assert told.get("written_at") == (None if cards or changed is None else changed.isoformat())
    assert len(await eyes.fetch(CARDS, str(FIRST))) == cards


async def test_only_what_is_written_counts_and_a_second_look_finds_nothing_new(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, bio=SENTENCE, updated_at=at(1))
    await put(hands, id=SECOND, bio=SENTENCE, updated_at=at(1))
    await eyes.execute("INSERT INTO users (id, email, bio) VALUES ($1, 'b@x.org', 'ours')", str(SECOND))

    first = await move(old, target)
    await move(old, target, since=legacy_source.EPOCH)
    await put(hands, id=FIRST, name="Ada", updated_at=at(2))
    await move(old, target)

    assert first.reasons["crisis_words"] == 1
    assert len(await eyes.fetch(EVENTS, str(FIRST))) == 1
    assert await eyes.fetch(EVENTS, str(SECOND)) == []  # their own bio stayed


async def test_a_dry_run_says_how_many_and_keeps_none(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, bio=SENTENCE, updated_at=TODAY)

    report = await move(old, target, dry=True)

    assert report.reasons["crisis_words"] == 1
    assert await eyes.fetchval("SELECT count(*) FROM nura.crisis_events") == 0
