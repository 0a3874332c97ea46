"""Supabase's word about its users: signed, once each, in whatever order it comes, and kept before it is answered."""

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from house import House
from nura_rt.people.auth_hook import auth_hook_routes
from nura_rt.problems import EXCEPTION_HANDLERS
from supabase_hook import KEY, Hook, Row, changed, gone, made, record
from webhook_signer import signed


@pytest.fixture
async def hook(house: House, root: asyncpg.Connection) -> AsyncIterator[Hook]:
    app: Any = Litestar(
        auth_hook_routes(KEY, house.local.pool, house.sessions, house.words, changed=house.note_changed),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=64 * 1024,  # as the app's; the hook takes more
        exception_handlers=EXCEPTION_HANDLERS,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nura.test") as http:
        yield Hook(http, root)


async def test_a_new_user_is_written_down_as_supabase_knows_them(hook: Hook) -> None:
    row = record()

    result = await hook.tell(made(row))

    user = await hook.user(row["id"])
    assert result == "applied"
    assert user["email"] == row["email"].lower()
    assert user["phone_number"] == "+34600123456"
    assert user["full_name"] == "Ada L."
    assert user["phone_confirmed_at"] is None
    assert user["email_confirmed_at"].isoformat() == "2026-01-01T00:00:00.123456+00:00"
    assert user["last_sign_in_at"].year == 2026


@pytest.mark.parametrize("key", ["user", "data"])
async def test_events_say_the_same_as_rows(hook: Hook, key: str) -> None:
    row = record()

    await hook.tell({"type": "user.created", key: row})
    await hook.tell({"type": "user.updated", key: row | {"email": "moved@" + row["id"] + ".example"}})

    assert (await hook.user(row["id"]))["email"].startswith("moved@")
    await hook.tell({"type": "user.deleted", key: {"id": row["id"]}})
    assert (await hook.user(row["id"]))["deleted_at"] is not None


async def test_a_name_the_person_has_here_is_not_written_over(hook: Hook) -> None:
    row = record()
    await hook.tell(made(row))
    await hook.root.execute("UPDATE users SET full_name = 'Mine' WHERE id = $1", row["id"])

    await hook.tell(changed(row | {"raw_user_meta_data": {"name": "Theirs"}}))

    assert (await hook.user(row["id"]))["full_name"] == "Mine"


async def test_a_deleted_user_is_out_at_once(hook: Hook, house: House) -> None:
    person = await house.newcomer()
    assert (await house.ask("resend-verification", bearer=person.access_token)).status_code == 202

    await hook.tell(gone(record(person.user_id)))

    user = await hook.user(person.user_id)
    assert (user["is_active"], user["deleted_at"] is not None) == (False, True)
    assert (await house.ask("resend-verification", bearer=person.access_token)).status_code == 401
    why = "SELECT end_reason FROM nura.sessions WHERE user_id = $1"
    assert await hook.root.fetchval(why, person.user_id) == "deleted"


async def test_a_soft_deletion_is_one(hook: Hook) -> None:
    row = record()
    await hook.tell(made(row))

    await hook.tell(changed(row | {"deleted_at": "2026-01-03T00:00:00Z"}))

    assert (await hook.user(row["id"]))["is_active"] is False


async def test_words_in_any_order_end_with_the_newest(hook: Hook) -> None:
    for order in itertools.permutations(range(3)):
        person_id = str(uuid.uuid4())
        words = [
            made(record(person_id, second=1, email=f"1@{person_id}.example")),
            changed(record(person_id, second=2, email=f"2@{person_id}.example")),
            changed(record(person_id, second=3, email=f"3@{person_id}.example", phone="")),
        ]
        for index in order:
            await hook.tell(words[index])

        user = await hook.user(person_id)
        assert (user["email"], user["phone_number"]) == (f"3@{person_id}.example", None)


async def test_nothing_comes_back_after_a_deletion_not_even_what_was_never_seen(hook: Hook) -> None:
    seen, never = record(), record()
    await hook.tell(made(seen))
    await hook.tell(gone(seen))
    await hook.tell(gone(never))

    results = [
        await hook.tell(word)
        for word in (changed(seen | {"updated_at": "2030-01-01T00:00:00Z"}), made(never))
    ]

    assert results == ["superseded", "superseded"]
    assert (await hook.user(seen["id"]))["is_active"] is False
    barred = await hook.user(never["id"])  # a token of theirs may still be good
    assert (barred["is_active"], barred["deleted_at"] is not None) == (False, True)
    assert barred["email"] == f"{never['id']}@no-email.invalid"


async def test_a_word_as_large_as_a_row_can_be_is_heard(hook: Hook) -> None:
    row = record(raw_user_meta_data={"full_name": "Ada", "notes": "x" * 500_000})

    assert await hook.tell(gone(row)) == "applied"
    assert (await hook.post(b" " * (1024 * 1024 + 1))).status_code == 413


async def test_a_moment_that_cannot_be_kept_is_refused_for_good(hook: Hook) -> None:
    answer = await hook.post(made(record(last_sign_in_at="0001-01-01T00:00:00+14:00")))

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid")


async def test_the_same_message_counts_once(hook: Hook) -> None:
    row = record()
    await hook.tell(made(row), message_id=f"msg_{row['id']}")
    await hook.root.execute("UPDATE users SET email_confirmed_at = NULL WHERE id = $1", row["id"])

    again = await hook.tell(made(row), message_id=f"msg_{row['id']}")

    assert again == "duplicate"
    assert (await hook.user(row["id"]))["email_confirmed_at"] is None


async def test_the_same_message_many_times_at_once_counts_once(hook: Hook) -> None:
    row = record()

    results = await asyncio.gather(*[hook.tell(made(row), message_id=f"msg_{row['id']}") for _ in range(8)])

    assert sorted(results) == ["applied"] + ["duplicate"] * 7


async def test_a_message_that_could_not_be_kept_may_come_again(hook: Hook) -> None:
    """The inbox and the row are one transaction: no row, no receipt."""
    row, message_id = record(), f"msg_{uuid.uuid4()}"
    await hook.root.execute(
        "ALTER TABLE users ADD CONSTRAINT refused CHECK (full_name <> 'refused') NOT VALID"
    )
    broken = made(row | {"raw_user_meta_data": {"name": "refused"}})
    first = await hook.post(broken, message_id=message_id)
    await hook.root.execute("ALTER TABLE users DROP CONSTRAINT refused")

    second = await hook.post(broken, message_id=message_id)

    assert (first.status_code, second.status_code) == (500, 200)
    assert second.json() == {"result": "applied"}


async def test_a_proved_address_leaves_the_row_of_who_had_it_and_that_is_audited(hook: Hook) -> None:
    old, new = record(), record()
    await hook.tell(made(old))

    await hook.tell(made(new | {"email": old["email"]}))

    assert (await hook.user(new["id"]))["email"] == old["email"].lower()
    former = await hook.user(old["id"])
    assert (former["email"], former["email_confirmed_at"]) == (f"{old['id']}@no-email.invalid", None)
    audited = "SELECT count(*) FROM nura.audit_log WHERE user_id = $1 AND action = 'email_moved'"
    assert await hook.root.fetchval(audited, old["id"]) == 1


async def test_an_address_nobody_proved_is_taken_from_nobody(hook: Hook) -> None:
    old, new = record(), record()
    await hook.tell(made(old))

    await hook.tell(made(new | {"email": old["email"], "email_confirmed_at": None}))

    assert (await hook.user(old["id"]))["email"] == old["email"].lower()
    assert (await hook.user(new["id"]))["email"] == f"{new['id']}@no-email.invalid"


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "user.banned", "data": {"odd": True}},
        {"type": "INSERT", "schema": "public", "table": "users", "record": {"id": "x"}},
        {"type": "INSERT", "schema": "auth", "table": "identities", "record": {"id": "x"}},
        {"type": "", "user": 5},
    ],
)
async def test_what_is_not_about_people_is_answered_and_left(hook: Hook, payload: Row) -> None:
    assert await hook.tell(payload) == "ignored"


@pytest.mark.parametrize(
    "payload",
    [b"", b"no json", b"[]", b"{}", b"\xff", {"type": "user.created"}, {"type": "user.created", "user": {"id": "7"}},
     {"type": "INSERT", "schema": "auth", "table": "users", "record": {"id": str(uuid.uuid4()), "email": 5}}],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused(hook: Hook, payload: Any) -> None:
    answer = await hook.post(payload)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid")


async def test_a_bad_signature_changes_nothing(hook: Hook) -> None:
    row = record()
    body = json.dumps(made(row)).encode()
    headers = signed(body, KEY[::-1], at=int(time.time()))

    answer = await hook.http.post("/v1/hooks/supabase-auth", content=body, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/bad-signature")
    assert await hook.user(row["id"]) == {}


async def test_an_old_message_is_stale(hook: Hook) -> None:
    row = record()

    answer = await hook.post(made(row), at=int(time.time()) - 400)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/stale")
    assert await hook.user(row["id"]) == {}


async def test_the_inbox_holds_no_word_and_no_id(hook: Hook) -> None:
    row = record()
    await hook.tell(made(row))

    kept = [str(dict(one)) for one in await hook.root.fetch("SELECT * FROM nura.webhook_inbox")]

    assert not any(
        row["id"] in one.replace("msg_", "") or "supa.example" in one for one in kept if "msg_" not in one
    )


def test_without_a_secret_there_is_no_hook(house: House) -> None:
    assert (
        auth_hook_routes(None, house.local.pool, house.sessions, house.words, changed=house.note_changed)
        == []
    )
