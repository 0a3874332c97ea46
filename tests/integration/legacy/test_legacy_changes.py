"""Both sides change until cut-over: whose word counts, and who has an address."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

import legacy_people
from databases import Database
from legacy_people import FIRST, SECOND, at, everything, move, one, put
from nura_rt.store import legacy_source


async def test_a_person_who_was_here_first_keeps_what_they_have(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="old@x.org", name="Old Name", bio="an old bio", xp=9, updated_at=at(1))
    await eyes.execute(
        "INSERT INTO users (id, email, full_name, xp) VALUES ($1, 'ours@x.org', 'Our Name', 0)", str(FIRST)
    )

    report = await move(old, target)

    person = await one(eyes, FIRST)
    assert (report.inserted, report.updated, report.reasons["ours_newer"]) == (0, 1, 1)
    assert (person["email"], person["full_name"]) == ("ours@x.org", "Our Name")
    assert (person["bio"], person["xp"]) == ("an old bio", 9)


async def test_what_was_changed_here_since_the_import_stays_until_legacy_changes_again(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", bio="first", updated_at=at(1))
    await put(hands, id=SECOND, email="b@x.org", bio="first", updated_at=at(1))
    await move(old, target)
    await eyes.execute("UPDATE users SET bio = 'ours' WHERE id = $1", str(FIRST))
    for id_ in (FIRST, SECOND):
        await put(hands, id=id_, email=f"{id_}@y.org", bio="between", updated_at=at(2))

    older = await move(old, target)
    bios = [(await one(eyes, id_))["bio"] for id_ in (FIRST, SECOND)]
    await put(
        hands, id=FIRST, email="c@x.org", bio="last", updated_at=datetime.now(UTC) + timedelta(seconds=30)
    )
    await move(old, target)

    assert bios == ["ours", "between"]
    assert (older.updated, older.reasons["ours_newer"]) == (1, 1)
    assert (await one(eyes, FIRST))["bio"] == "last"


async def test_looking_again_from_the_start_overwrites_nothing(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, legacy_people.rows(100))
    await move(old, target)
    await eyes.execute("UPDATE users SET bio = 'ours', full_name = NULL")
    before = await everything(eyes)

    report = await move(old, target, since=legacy_source.EPOCH)

    assert (report.inserted, report.updated) == (0, 0)
    assert report.read >= 80
    assert await everything(eyes) == before


async def test_an_address_goes_with_the_person_who_has_it_now(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", updated_at=at(1))
    await put(hands, id=SECOND, email="b@x.org", updated_at=at(1))
    await move(old, target)
    async with eyes.transaction():  # replica: updated_at keeps its time
        await eyes.execute("SET LOCAL session_replication_role = replica")
        await eyes.execute("UPDATE users SET email_confirmed_at = now()")
    await put(hands, id=FIRST, email="B@x.org ", updated_at=at(2))  # they swap
    await put(hands, id=SECOND, email="a@x.org", updated_at=at(2))

    report = await move(old, target)

    people = [await one(eyes, id_) for id_ in (FIRST, SECOND)]
    assert [person["email"] for person in people] == ["b@x.org", "a@x.org"]
    assert [person["email_confirmed_at"] for person in people] == [None, None]
    assert (report.updated, report.reasons) == (2, {})


async def test_an_address_that_comes_free_later_in_the_run_is_given_then(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", updated_at=at(1))
    await move(old, target)
    await put(
        hands, id=SECOND, email="a@x.org", updated_at=at(2)
    )  # is read first: its watermark is the older one
    await put(hands, id=FIRST, email="new@x.org", updated_at=at(3))

    dry = await move(old, target, batch=1, dry=True)
    wet = await move(old, target, batch=1)

    assert [(await one(eyes, id_))["email"] for id_ in (FIRST, SECOND)] == ["new@x.org", "a@x.org"]
    assert dry.reasons == wet.reasons == {}


async def test_of_two_who_have_one_address_the_first_keeps_it(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="Same@x.org", updated_at=at(2))
    await put(hands, id=SECOND, email="same@X.org", updated_at=at(1))

    report = await move(old, target)

    assert (await one(eyes, SECOND))["email"] == "same@x.org"
    assert (await one(eyes, FIRST))["email"] == f"{FIRST}@no-email.invalid"
    assert report.reasons == {"duplicate_email": 1}


async def test_what_was_committed_late_or_has_no_watermark_is_found_the_next_time(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", updated_at=at(60))
    await move(old, target)
    await put(
        hands, id=SECOND, email="b@x.org", updated_at=at(59)
    )  # begun before the run, committed after it
    await put(hands, id=uuid.UUID(int=3), email="c@x.org", updated_at=None)
    await put(hands, id=uuid.UUID(int=4), email="d@x.org", updated_at=at(1))  # nothing tells of this one

    found = await move(old, target)
    again = await move(old, target, since=at(0))

    assert (found.inserted, found.updated) == (2, 0)
    assert (again.inserted, again.updated) == (1, 0)


async def test_an_infinite_watermark_stops_nothing(
    old: Database, target: Database, hands: asyncpg.Connection, eyes: asyncpg.Connection
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", updated_at=at(1))
    await hands.execute("UPDATE legacy_users SET updated_at = 'infinity'")
    await move(old, target)
    await put(hands, id=SECOND, email="b@x.org", updated_at=at(2))

    report = await move(old, target)

    assert (report.inserted, report.updated, report.unchanged) == (1, 0, 1)
    assert report.reasons == {"no_watermark": 1}


async def test_a_row_that_changes_twice_during_a_run_ends_with_its_last_word(
    old: Database,
    target: Database,
    hands: asyncpg.Connection,
    eyes: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await legacy_people.make(hands, [])
    await put(hands, id=FIRST, email="a@x.org", bio="first", updated_at=at(1))
    await move(old, target)
    await put(hands, id=FIRST, bio="second", updated_at=at(20))
    ask = legacy_source.Source.page

    async def page(source: legacy_source.Source, *columns: Any, **where: Any) -> list[legacy_source.Row]:
        rows = await ask(source, *columns, **where)
        if (await one(eyes, FIRST))["bio"] == "second":
            await put(hands, id=FIRST, bio="third", updated_at=at(30))
        return rows or await ask(source, *columns, **where)

    monkeypatch.setattr(legacy_source.Source, "page", page)
    await move(old, target, batch=1)

    assert (await one(eyes, FIRST))["bio"] == "third"
