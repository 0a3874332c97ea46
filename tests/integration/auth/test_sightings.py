"""What a valid token does to the person's row and the session's: a table of claims, and of who is refused."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from identities import somebody
from nura_rt.auth import sightings
from nura_rt.auth.tokens import Identity
from nura_rt.store.sessions import Seen

NOW = int(time.time())


async def keep(auth: asyncpg.Pool, identity: Identity, **more: Any) -> Seen:
    given = {"device": None, "agent": None, "ip_prefix": None, **more}
    return await sightings.keep(auth, sightings.sighting_of(identity, **given))


async def person(root: asyncpg.Connection, identity: Identity) -> asyncpg.Record | None:
    return await root.fetchrow("SELECT * FROM users WHERE id = $1", identity.user_id)


async def session(root: asyncpg.Connection, identity: Identity) -> asyncpg.Record | None:
    return await root.fetchrow("SELECT * FROM nura.sessions WHERE id = $1", identity.session_id)


def at(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


async def test_first_sight_makes_both_rows(auth: asyncpg.Pool, root: asyncpg.Connection) -> None:
    ann = somebody(
        email="Ann@First.example", phone="+15550100", signed_in_at=NOW - 60.0, email_confirmed_at=NOW - 90.0,
        phone_confirmed_at=NOW - 80.0, source="supabase",
    )  # fmt: skip

    seen = await keep(auth, ann, device="tablet", agent="Firefox", ip_prefix="203.0.113.0/24")

    row, sitting = await person(root, ann), await session(root, ann)
    assert row is not None
    assert sitting is not None
    assert (row["email"], row["phone_number"]) == ("ann@first.example", "+15550100")
    assert (row["email_confirmed_at"], row["phone_confirmed_at"]) == (at(NOW - 90), at(NOW - 80))
    assert row["last_sign_in_at"] == sitting["signed_in_at"] == at(NOW - 60)
    assert row["last_active_at"] == sitting["last_seen_at"]
    assert (sitting["user_id"], sitting["source"], sitting["device"]) == (ann.user_id, "supabase", "tablet")
    assert (sitting["ip_prefix"], sitting["expires_at"]) == ("203.0.113.0/24", at(ann.expires_at))
    assert (seen.live, seen.barred) == (True, False)


@pytest.mark.parametrize("email", [None, "x@no-email.invalid", "X@NO-EMAIL.INVALID"])
async def test_without_an_e_mail_it_gets_one_that_is_never_mailed(
    auth: asyncpg.Pool, root: asyncpg.Connection, email: str | None
) -> None:
    ann = somebody(email=email)

    await keep(auth, ann)

    row = await person(root, ann)
    assert row is not None
    assert row["email"] == f"{ann.user_id}@no-email.invalid"


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"email": "new@t.example"}, "email", "new@t.example"),
        ({"email": "new@t.example"}, "email_confirmed_at", None),
        ({"email": "new@t.example", "email_confirmed_at": NOW + 0.0}, "email_confirmed_at", at(NOW)),
        ({"email_confirmed_at": None}, "email_confirmed_at", at(NOW - 90)),
        ({"email": None}, "email", "old@t.example"),
        ({"phone": "+15550199"}, "phone_number", "+15550199"),
        ({"phone": "+15550199", "phone_confirmed_at": None}, "phone_confirmed_at", None),
        ({"phone": None}, "phone_number", "+15550100"),
        ({"phone": None, "phone_confirmed_at": None}, "phone_confirmed_at", at(NOW - 80)),
        ({"signed_in_at": NOW + 0.0}, "last_sign_in_at", at(NOW)),
        ({"signed_in_at": NOW - 900.0}, "last_sign_in_at", at(NOW - 60)),
        ({"signed_in_at": None}, "last_sign_in_at", at(NOW - 60)),
        # a token older than one that was seen
        ({"email": "new@t.example", "expires_at": NOW + 3000.0}, "email", "old@t.example"),
        ({"phone": "+15550199", "expires_at": NOW + 3000.0}, "phone_number", "+15550100"),
        (
            {"email": "new@t.example", "expires_at": NOW + 3000.0, "session_id": "other"},
            "email",
            "old@t.example",
        ),
        # a local account changes through its own doors
        ({"email": "new@t.example", "source": "local"}, "email", "old@t.example"),
    ],
)
async def test_a_later_token_refreshes_the_row(
    auth: asyncpg.Pool, root: asyncpg.Connection, changes: dict[str, Any], column: str, value: object
) -> None:
    await root.execute("DELETE FROM users WHERE email LIKE '%@t.example'")
    ann = somebody(
        email="old@t.example", phone="+15550100", signed_in_at=NOW - 60.0, email_confirmed_at=NOW - 90.0,
        phone_confirmed_at=NOW - 80.0, expires_at=NOW + 3600.0, source="supabase",
    )  # fmt: skip
    later = {"email_confirmed_at": None, "expires_at": NOW + 4000.0} | changes
    await keep(auth, ann)

    await keep(auth, msgspec.structs.replace(ann, **later))

    row = await person(root, ann)
    assert row is not None
    assert row[column] == value


@pytest.mark.parametrize(
    ("first", "second", "device"),
    [
        ({"agent": "Firefox"}, {"agent": "curl"}, "Firefox"),
        ({"agent": "Firefox"}, {"device": "tablet", "agent": "Firefox"}, "tablet"),
        ({"device": "tablet"}, {"agent": "Firefox"}, "tablet"),
        ({"device": "tablet"}, {"device": "phone"}, "phone"),
        ({}, {"agent": "Firefox"}, "Firefox"),
        ({"agent": "Firefox"}, {}, "Firefox"),
    ],
)
async def test_what_a_device_calls_itself_wins_over_a_guess(
    auth: asyncpg.Pool, root: asyncpg.Connection, first: dict[str, str], second: dict[str, str], device: str
) -> None:
    ann = somebody()

    await keep(auth, ann, **first)
    seen = await keep(auth, ann, **second)

    row = await session(root, ann)
    assert row is not None
    assert seen.device == row["device"] == device


async def test_a_session_lives_as_long_as_its_newest_token(
    auth: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    ann = somebody(expires_at=NOW + 500.0, signed_in_at=NOW - 60.0)
    await keep(auth, ann)
    await keep(auth, msgspec.structs.replace(ann, expires_at=NOW + 900.0, signed_in_at=NOW - 10.0))
    await keep(auth, msgspec.structs.replace(ann, expires_at=NOW + 100.0, signed_in_at=NOW - 99.0))

    row = await session(root, ann)

    assert row is not None
    assert (row["expires_at"], row["signed_in_at"]) == (at(NOW + 900), at(NOW - 10))


async def test_an_e_mail_that_moved_leaves_its_old_row_and_is_audited(
    auth: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    ann = somebody(email="moving@u.example", email_confirmed_at=NOW - 5.0)
    bob = somebody(email="moving@u.example", email_confirmed_at=NOW - 1.0, source="supabase")
    await keep(auth, ann)

    seen = await keep(auth, bob)

    was, now = await person(root, ann), await person(root, bob)
    audited = await root.fetch(
        "SELECT actor, action, detail FROM nura.audit_log WHERE user_id = $1", ann.user_id
    )
    assert was is not None
    assert now is not None
    assert (was["email"], was["email_confirmed_at"]) == (f"{ann.user_id}@no-email.invalid", None)
    assert (now["email"], seen.live) == ("moving@u.example", True)
    assert [tuple(row) for row in audited] == [("system", "email_moved", "{}")]


async def test_a_known_person_takes_over_an_e_mail_too(auth: asyncpg.Pool, root: asyncpg.Connection) -> None:
    ann, bob = somebody(email="taken@u.example"), somebody(source="supabase")
    await keep(auth, ann)
    await keep(auth, bob)

    await keep(auth, msgspec.structs.replace(bob, email="taken@u.example", email_confirmed_at=NOW + 0.0))

    row = await person(root, bob)
    assert row is not None
    assert row["email"] == "taken@u.example"


@pytest.mark.parametrize("known", [True, False])
async def test_an_e_mail_nobody_proved_is_taken_from_nobody(
    auth: asyncpg.Pool, root: asyncpg.Connection, known: bool
) -> None:
    ann, bob = somebody(), somebody(source="supabase")
    ann = msgspec.structs.replace(ann, email=f"{ann.user_id}@u.example")
    await keep(auth, ann)
    if known:
        await keep(auth, bob)

    seen = await keep(auth, msgspec.structs.replace(bob, email=ann.email))

    hers, his = await person(root, ann), await person(root, bob)
    assert hers is not None
    assert his is not None
    assert seen.live
    assert (hers["email"], his["email"]) == (ann.email, f"{bob.user_id}@no-email.invalid")


async def test_many_first_sights_of_one_e_mail_leave_it_with_one_of_them(
    auth: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    people = [somebody(email="crowd@u.example", source="supabase") for _ in range(8)]

    outcomes = await asyncio.gather(*(keep(auth, one) for one in people), return_exceptions=True)

    rows = await root.fetch("SELECT id FROM users WHERE email = 'crowd@u.example'")
    assert len(rows) == 1
    assert all(isinstance(outcome, Seen | sightings.Busy) for outcome in outcomes)


@pytest.mark.parametrize(
    ("statement", "barred"),
    [
        ("UPDATE users SET is_active = false WHERE id = $1", True),
        ("UPDATE users SET deleted_at = now() WHERE id = $1", True),
        ("UPDATE nura.sessions SET ended_at = now(), end_reason = 'revoked' WHERE user_id = $1", False),
    ],
)
async def test_who_is_refused_changes_nothing(
    auth: asyncpg.Pool, root: asyncpg.Connection, statement: str, barred: bool
) -> None:
    ann = somebody(source="supabase")
    await keep(auth, ann)
    await root.execute(statement, ann.user_id)
    before = (await person(root, ann), await session(root, ann))

    seen = await keep(auth, msgspec.structs.replace(ann, email="again@v.example", expires_at=NOW + 9e5))

    assert (seen.live, seen.barred) == (False, barred)
    assert (await person(root, ann), await session(root, ann)) == before


async def test_who_is_gone_gets_no_new_session(auth: asyncpg.Pool, root: asyncpg.Connection) -> None:
    ann = somebody()
    await keep(auth, ann)
    await root.execute("UPDATE users SET deleted_at = now() WHERE id = $1", ann.user_id)
    again = msgspec.structs.replace(ann, session_id="new-session")

    seen = await keep(auth, again)

    assert (seen.live, seen.barred, await session(root, again)) == (False, True, None)


async def test_another_persons_session_is_refused_and_the_stranger_gets_no_row(
    auth: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    ann = somebody()
    await keep(auth, ann)
    stranger = somebody(session_id=ann.session_id)
    before = await session(root, ann)

    seen = await keep(auth, stranger)

    assert (seen.live, seen.barred) == (False, False)
    assert (await person(root, stranger), await session(root, ann)) == (None, before)


async def test_a_session_that_ends_in_the_same_moment_stays_ended(
    auth: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    ann = somebody()
    await keep(auth, ann)
    async with root.transaction():
        await root.execute(
            "UPDATE nura.sessions SET ended_at = now(), end_reason = 'revoked' WHERE id = $1", ann.session_id
        )
        seeing = asyncio.create_task(keep(auth, msgspec.structs.replace(ann, expires_at=NOW + 9e5)))
        await asyncio.sleep(0.2)  # it waits for the row

    assert not (await seeing).live
