"""An e-mail address is proved by its link and by nothing else: once, in time, and only the one that was meant."""

import uuid
from typing import Any

import asyncpg
import httpx

from house import PASSWORD, House, Person
from letters import letters_to, text_of

OLD = "UPDATE nura.verifications SET expires_at = now() WHERE user_id = $1"


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


async def test_an_address_that_is_or_becomes_anothers_is_refused(
    house: House, root: asyncpg.Connection
) -> None:
    person, other = await house.newcomer(), await house.newcomer()
    now = await house.ask("change-email", bearer=person.access_token, email=other.email, password=PASSWORD)
    new, _ = await ask_to_move(house, person)
    await house.ask("sign-up", email=new, password=PASSWORD)
    token = [text for letter in letters_to(house.folder, new) if "from now on" in (text := text_of(letter))]

    later = await house.ask("verify-email", token=token[0].split("#verify=")[1][:43])

    assert told(now) == told(later) == (409, "/problems/taken")
    assert (await address(root, person))[0] == person.email
