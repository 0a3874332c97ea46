"""A forgotten and a changed password: nobody learns who has an account, and whoever knew the old one is out."""

import uuid
from datetime import timedelta

import asyncpg
import httpx
import pytest

from house import PASSWORD, House, Person
from letters import letters_to, text_of

NEW = "another-long-password"


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def reset(house: House, person: Person) -> httpx.Response:
    await house.ask("forgot-password", email=person.email)
    return await house.ask("reset-password", token=house.secret_for(person.email), password=NEW)


async def test_known_and_unknown_get_the_same_answer(house: House) -> None:
    person = await house.newcomer()
    before = house.passwords.operations

    answers = [await house.ask("forgot-password", email=e) for e in (person.email, "nobody@b.example")]

    assert [(a.status_code, a.content, a.headers) for a in answers] == [
        (202, b"null", answers[1].headers)
    ] * 2
    assert house.passwords.operations == before
    assert "reset=" in text_of(letters_to(house.folder, person.email)[0])
    assert letters_to(house.folder, "nobody@b.example") == []


async def test_the_account_is_looked_up_after_the_answer(house: House) -> None:
    """So the time until the answer cannot tell: what is sent is complete before anything is asked."""
    person = await house.newcomer()
    order: list[str] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            order.append(f"answered with {len(letters_to(house.folder, person.email))} letters")

    body = b'{"email": "%s"}' % person.email.encode()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http", "method": "POST", "path": "/v1/auth/forgot-password", "raw_path": b"", "root_path": "",
        "scheme": "http", "query_string": b"", "http_version": "1.1", "asgi": {"version": "3.0"},
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("192.0.2.9", 1), "server": ("nura.test", 80), "state": {},
    }  # fmt: skip
    await house.app(scope, receive, send)  # type: ignore[arg-type]

    assert order == ["answered with 1 letters"]
    assert len(letters_to(house.folder, person.email)) == 2


async def test_a_reset_signs_every_device_out_and_the_new_password_in(house: House) -> None:
    person = await house.newcomer()
    other = (await house.ask("sign-in", email=person.email, password=PASSWORD)).json()

    answer = await reset(house, person)

    assert answer.status_code == 204
    for access, renewal in (
        (person.access_token, person.refresh_token),
        (other["access_token"], other["refresh_token"]),
    ):
        assert (await house.ask("sign-out", bearer=access)).status_code == 401
        assert (await house.ask("refresh", refresh_token=renewal)).status_code == 401
    assert (await house.ask("sign-in", email=person.email, password=PASSWORD)).status_code == 401
    assert (await house.ask("sign-in", email=person.email, password=NEW)).status_code == 200


async def test_why_the_sessions_ended_is_noted(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()

    await reset(house, person)

    why = await root.fetch("SELECT end_reason FROM nura.sessions WHERE user_id = $1", person.user_id)
    assert [row["end_reason"] for row in why] == ["password"]


async def test_a_reset_link_works_once_and_for_an_hour(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await house.ask("forgot-password", email=person.email)
    token = house.secret_for(person.email)
    life = "SELECT max(expires_at - created_at) FROM nura.verifications WHERE purpose = 'password' AND user_id = $1"
    assert await root.fetchval(life, person.user_id) == timedelta(hours=1)

    first = await house.ask("reset-password", token=token, password=NEW)

    second = await house.ask("reset-password", token=token, password="yet-another-password")
    assert (first.status_code, told(second)) == (204, (400, "/problems/bad-link"))


async def test_a_password_that_breaks_the_rule_leaves_the_link_good(house: House) -> None:
    person = await house.newcomer()
    await house.ask("forgot-password", email=person.email)
    token = house.secret_for(person.email)

    short = await house.ask("reset-password", token=token, password="short")

    assert (short.status_code, short.json()["field"]) == (400, "password")
    assert (await house.ask("reset-password", token=token, password=NEW)).status_code == 204


async def test_a_link_that_is_none_costs_no_hash(house: House) -> None:
    before = house.passwords.operations

    answers = [await house.ask("reset-password", token=t, password=NEW) for t in ("x", "y" * 43, "é" * 43)]

    assert {told(answer) for answer in answers} == {(400, "/problems/bad-link")}
    assert house.passwords.operations == before


async def test_a_reset_proves_the_address_and_drops_what_an_impostor_had_added(
    house: House, root: asyncpg.Connection
) -> None:
    """Somebody else signed up with the address before its owner; the owner resets the password."""
    person = await house.newcomer()
    await house.ask("phone", bearer=person.access_token, phone="+34 600 12 34 56")
    code = house.secret_for("+34600123456")
    await house.ask("verify-phone", bearer=person.access_token, code=code)
    mine = f"{uuid.uuid4().hex}@impostor.example"
    await house.ask("change-email", bearer=person.access_token, email=mine, password=PASSWORD)

    await reset(house, person)

    row = await root.fetchrow("SELECT * FROM users WHERE id = $1", person.user_id)
    assert row is not None
    assert (row["email"], row["phone_number"], row["phone_confirmed_at"]) == (person.email, None, None)
    assert row["email_confirmed_at"] is not None
    moved = await house.ask("verify-email", token=house.secret_for(mine))
    assert told(moved) == (400, "/problems/bad-link")


async def test_a_reset_forgets_a_number_however_it_came_there(house: House, root: asyncpg.Connection) -> None:
    """Who knew the old password could add one, and change that password after; so when it came tells nothing."""
    person = await house.newcomer()
    await house.ask("verify-email", token=house.secret_for(person.email))
    await house.ask("phone", bearer=person.access_token, phone="+34 600 12 34 56")
    await house.ask("verify-phone", bearer=person.access_token, code=house.secret_for("+34600123456"))
    change = {"current_password": PASSWORD, "new_password": "an-impostors-password"}
    await house.ask("change-password", bearer=person.access_token, **change)

    await reset(house, person)

    number = "SELECT phone_number FROM users WHERE id = $1"
    assert await root.fetchval(number, person.user_id) is None
    assert "phone number you had given was removed" in text_of(letters_to(house.folder, person.email)[0])


async def test_a_code_asked_for_under_the_old_password_is_void(house: House) -> None:
    person = await house.newcomer()
    await house.ask("phone", bearer=person.access_token, phone="+34 600 12 34 56")
    code = house.secret_for("+34600123456")
    change = {"current_password": PASSWORD, "new_password": NEW}
    await house.ask("change-password", bearer=person.access_token, **change)

    answer = await house.ask("verify-phone", bearer=person.access_token, code=code)

    assert told(answer) == (400, "/problems/wrong-code")


async def test_a_reset_takes_the_proved_address_back_and_that_is_audited(
    house: House, root: asyncpg.Connection
) -> None:
    person, other = await house.newcomer(), await house.newcomer()
    gone = "UPDATE users SET email = id || '@no-email.invalid' WHERE id = $1"
    await root.execute(gone, person.user_id)
    await root.execute("UPDATE users SET email = $2 WHERE id = $1", other.user_id, person.email)

    answer = await reset(house, person)

    emails = await root.fetch(
        "SELECT email FROM users WHERE id = any($1) ORDER BY id = $2 DESC",
        [person.user_id, other.user_id],
        person.user_id,
    )
    audited = "SELECT count(*) FROM nura.audit_log WHERE user_id = $1 AND action = 'email_moved'"
    assert answer.status_code == 204
    assert [row["email"] for row in emails] == [person.email, f"{other.user_id}@no-email.invalid"]
    assert await root.fetchval(audited, other.user_id) == 1
    assert {person.user_id, other.user_id} <= set(house.changed)


async def test_a_change_keeps_this_device_and_ends_the_others(house: House) -> None:
    person = await house.newcomer()
    await house.ask("verify-email", token=house.secret_for(person.email))
    other = (await house.ask("sign-in", email=person.email, password=PASSWORD)).json()
    await house.ask("forgot-password", email=person.email)
    asked = house.secret_for(person.email)

    answer = await house.ask(
        "change-password", bearer=person.access_token, current_password=PASSWORD, new_password=NEW
    )

    assert answer.status_code == 204
    assert (await house.ask("refresh", refresh_token=person.refresh_token)).status_code == 200
    assert (await house.ask("refresh", refresh_token=other["refresh_token"])).status_code == 401
    assert "password of your account was changed" in text_of(letters_to(house.folder, person.email)[0])
    void = await house.ask("reset-password", token=asked, password=NEW)
    assert told(void) == (400, "/problems/bad-link")


async def test_a_change_needs_the_current_password_and_counts_tries(house: House) -> None:
    person = await house.newcomer()

    answers = [
        await house.ask(
            "change-password", bearer=person.access_token, current_password="a-guess-at-it", new_password=NEW
        )
        for _ in range(11)
    ]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert answers[0].json()["field"] == "current_password"


@pytest.mark.parametrize("door", ["sign-out", "resend-verification"])
async def test_without_a_token_nothing_is_done(house: House, door: str) -> None:
    assert told(await house.ask(door)) == (401, "/problems/unauthorized")
