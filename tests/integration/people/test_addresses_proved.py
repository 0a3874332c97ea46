"""An e-mail address is proved by its link and by nothing else: once, in time, and only the one that was meant."""

import asyncio
import uuid
from typing import Any

import asyncpg
import httpx
import pytest

from house import PASSWORD, House, Person
from letters import letters_to, text_of

OLD = "UPDATE nura.verifications SET expires_at = now() WHERE user_id = $1"
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND $1 = any(pg_blocking_pids(pid))"


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def address(root: asyncpg.Connection, person: Person) -> tuple[str, bool]:
    """The address of the row, and is it confirmed."""
    row: Any = await root.fetchrow(
        "SELECT email, email_confirmed_at FROM users WHERE id = $1", person.user_id
    )
    return row["email"], row["email_confirmed_at"] is not None


async def ask_to_move(
    house: House, person: Person, *, password: str = PASSWORD
) -> tuple[str, httpx.Response]:
    new = f"{uuid.uuid4().hex}@new.example"
    answer = await house.ask("change-email", bearer=person.access_token, email=new, password=password)
    return new, answer


async def test_the_link_of_the_first_letter_proves_the_address_once(
    house: House, root: asyncpg.Connection
) -> None:
    person = await house.newcomer()
    before = await address(root, person)
    token = house.secret_for(person.email)

    first = await house.ask("verify-email", token=token)

    again = await house.ask("verify-email", token=token)
    assert before == (person.email, False)
    assert first.status_code == 204
    assert await address(root, person) == (person.email, True)
    assert told(again) == (400, "/problems/bad-link")


async def test_a_link_keeps_its_secret_behind_the_hash_sign(house: House) -> None:
    person = await house.newcomer()

    letter = letters_to(house.folder, person.email)[0]

    assert f"https://nura.example/#verify={house.secret_for(person.email)}" in text_of(letter)


async def test_an_old_link_proves_nothing(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    await root.execute(OLD, person.user_id)

    answer = await house.ask("verify-email", token=house.secret_for(person.email))

    assert told(answer) == (400, "/problems/bad-link")
    assert await address(root, person) == (person.email, False)


async def test_a_reset_link_is_no_verification_and_the_other_way_round(house: House) -> None:
    person = await house.newcomer()
    verify = house.secret_for(person.email)
    await house.ask("forgot-password", email=person.email)
    reset = house.secret_for(person.email)

    answers = [
        await house.ask("verify-email", token=reset),
        await house.ask("reset-password", token=verify, password=PASSWORD),
    ]

    assert [told(answer) for answer in answers] == [(400, "/problems/bad-link")] * 2


async def test_a_letter_can_be_asked_for_again_until_it_is_proved(house: House) -> None:
    person = await house.newcomer()

    again = await house.ask("resend-verification", bearer=person.access_token)

    assert (again.status_code, again.json()) == (202, {"sent": True})
    assert len(letters_to(house.folder, person.email)) == 2
    await house.ask("verify-email", token=house.secret_for(person.email))
    needless = await house.ask("resend-verification", bearer=person.access_token)
    assert (needless.status_code, needless.json()) == (202, {"sent": False})
    assert len(letters_to(house.folder, person.email)) == 2


async def test_five_letters_in_an_hour_are_enough_on_any_instance(house: House) -> None:
    person = await house.newcomer()

    answers = [await house.ask("resend-verification", bearer=person.access_token) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [202] * 4 + [429]  # the first came with the sign-up


async def test_an_address_moves_when_the_new_one_is_proved_and_the_old_one_is_told(
    house: House, root: asyncpg.Connection
) -> None:
    person = await house.newcomer()
    await house.ask("verify-email", token=house.secret_for(person.email))

    new, asked = await ask_to_move(house, person)

    assert asked.status_code == 202
    assert await address(root, person) == (person.email, True)
    assert (await house.ask("verify-email", token=house.secret_for(new))).status_code == 204
    assert await address(root, person) == (new, True)
    assert "moved to another address" in text_of(letters_to(house.folder, person.email)[0])
    assert new not in text_of(letters_to(house.folder, person.email)[0])
    assert (await house.ask("sign-in", email=person.email, password=PASSWORD)).status_code == 401
    assert (await house.ask("sign-in", email=new, password=PASSWORD)).status_code == 200


async def test_an_address_nobody_proved_hears_nothing_of_the_move(house: House) -> None:
    person = await house.newcomer()
    new, _ = await ask_to_move(house, person)

    await house.ask("verify-email", token=house.secret_for(new))

    assert len(letters_to(house.folder, person.email)) == 1  # that of the sign-up


async def test_moving_needs_the_password(house: House) -> None:
    person = await house.newcomer()

    new, answer = await ask_to_move(house, person, password="not-the-password")

    assert told(answer) == (403, "/problems/wrong-password")
    assert letters_to(house.folder, new) == []


async def test_only_the_last_address_asked_for_can_be_moved_to(
    house: House, root: asyncpg.Connection
) -> None:
    person = await house.newcomer()
    mistyped, _ = await ask_to_move(house, person)
    meant, _ = await ask_to_move(house, person)

    strange = await house.ask("verify-email", token=house.secret_for(mistyped))

    assert told(strange) == (400, "/problems/bad-link")
    assert (await house.ask("verify-email", token=house.secret_for(meant))).status_code == 204
    assert (await address(root, person))[0] == meant


async def test_a_link_to_the_address_given_up_does_not_move_back(
    house: House, root: asyncpg.Connection
) -> None:
    person = await house.newcomer()
    first = house.secret_for(person.email)
    new, _ = await ask_to_move(house, person)
    await house.ask("verify-email", token=house.secret_for(new))

    back = await house.ask("verify-email", token=first)

    assert told(back) == (400, "/problems/bad-link")
    assert await address(root, person) == (new, True)


async def test_a_reset_asked_for_at_the_address_given_up_is_void(house: House) -> None:
    person = await house.newcomer()
    await house.ask("forgot-password", email=person.email)
    reset = house.secret_for(person.email)
    new, _ = await ask_to_move(house, person)
    await house.ask("verify-email", token=house.secret_for(new))

    answer = await house.ask("reset-password", token=reset, password="another-long-password")

    assert told(answer) == (400, "/problems/bad-link")


async def test_an_address_that_is_anothers_is_answered_like_any_and_hears_nothing(house: House) -> None:
    person, other = await house.newcomer(), await house.newcomer()
    _, free = await ask_to_move(house, person)

    taken = await house.ask("change-email", bearer=person.access_token, email=other.email, password=PASSWORD)

    assert (taken.status_code, taken.content) == (free.status_code, free.content)
    assert len(letters_to(house.folder, other.email)) == 1  # that of the sign-up


async def test_ten_passwords_in_ten_minutes_are_enough_right_or_wrong(house: House) -> None:
    person = await house.newcomer()
    body = {"email": person.email, "password": PASSWORD}  # their own: right, and nothing comes of it

    answers = [await house.ask("change-email", bearer=person.access_token, **body) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429]


async def test_who_asks_at_once_is_counted_one_after_the_other(house: House) -> None:
    person = await house.newcomer()

    answers = await asyncio.gather(
        *[house.ask("resend-verification", bearer=person.access_token) for _ in range(9)]
    )

    assert sorted(answer.status_code for answer in answers) == [202] * 4 + [429] * 5


async def test_a_move_that_was_proved_by_the_old_password_is_void(
    house: House, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knew it asks to move the account; its owner chooses a new password between proof and link."""
    person = await house.newcomer()
    prove = house.local.prove

    async def prove_and_be_late(*args: Any, **more: Any) -> Any:
        account = await prove(*args, **more)
        await house.ask("forgot-password", email=person.email)
        token = house.secret_for(person.email)
        assert (await house.ask("reset-password", token=token, password="another-one")).status_code == 204
        return account

    monkeypatch.setattr(house.local, "prove", prove_and_be_late)

    new, answer = await ask_to_move(house, person)

    assert told(answer) == (403, "/problems/wrong-password")
    assert letters_to(house.folder, new) == []
    good = "SELECT count(*) FROM nura.verifications WHERE user_id = $1 AND target = $2"
    assert await root.fetchval(good, person.user_id, new) == 0


async def test_who_waits_for_one_that_waits_for_them_is_told_to_come_back(
    house: House, root: asyncpg.Connection
) -> None:
    """A move is proved while a change holds the account and then wants the link: PostgreSQL ends one of them."""
    person = await house.newcomer()
    new, _ = await ask_to_move(house, person)
    async with root.transaction():
        await root.execute("SET LOCAL deadlock_timeout = '60s'")  # it is the other that looks
        await root.execute("SELECT FROM nura.accounts WHERE user_id = $1 FOR UPDATE", person.user_id)
        opening = asyncio.create_task(house.ask("verify-email", token=house.secret_for(new)))
        async with asyncio.timeout(10):  # it has the link and waits for the account
            while not await root.fetchval(WAITS, root.get_server_pid()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await root.execute("UPDATE nura.verifications SET used_at = NULL WHERE target = $1", new)

    answer = await opening

    assert told(answer) == (503, "/problems/busy")
    assert (await house.ask("verify-email", token=house.secret_for(new))).status_code == 204


async def test_an_address_that_becomes_anothers_is_refused(house: House, root: asyncpg.Connection) -> None:
    person = await house.newcomer()
    new, _ = await ask_to_move(house, person)
    await house.ask("sign-up", email=new, password=PASSWORD)
    token = [text for letter in letters_to(house.folder, new) if "from now on" in (text := text_of(letter))]

    later = await house.ask("verify-email", token=token[0].split("#verify=")[1][:43])

    assert told(later) == (409, "/problems/taken")
    assert (await address(root, person))[0] == person.email
