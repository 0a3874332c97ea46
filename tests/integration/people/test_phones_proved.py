"""A phone number is proved by six digits: ten minutes, five tries, the newest code alone, and stored as no digits."""

import hashlib
import time
from datetime import timedelta

import asyncpg
import httpx
import pytest

from house import House, Person
from letters import letters_to, text_of

NUMBER, SPOKEN = "+34600123456", "+34 600 12 34 56"


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def sent(house: House, *, phone: str = SPOKEN) -> tuple[Person, str]:
    """Somebody with a code on its way, and the code."""
    person = await house.newcomer()
    answer = await house.ask("phone", bearer=person.access_token, phone=phone)
    assert answer.status_code == 202, answer.text
    return person, house.secret_for(NUMBER)


async def verify(house: House, person: Person, code: str) -> httpx.Response:
    return await house.ask("verify-phone", bearer=person.access_token, code=code)


async def number(root: asyncpg.Connection, person: Person) -> tuple[str | None, bool]:
    row = await root.fetchrow(
        "SELECT phone_number, phone_confirmed_at FROM users WHERE id = $1", person.user_id
    )
    assert row is not None
    return row["phone_number"], row["phone_confirmed_at"] is not None


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_number_is_written_down_when_its_code_comes_back(
    house: House, root: asyncpg.Connection
) -> None:
    person, code = await sent(house)
    before = await number(root, person)

    answer = await verify(house, person, f" {code[:3]} {code[3:]} ")

    assert answer.status_code == 204
    assert (before, await number(root, person)) == ((None, False), (NUMBER, True))
    assert told(await verify(house, person, code)) == (400, "/problems/wrong-code")


async def test_the_fifth_wrong_try_is_the_last(house: House, root: asyncpg.Connection) -> None:
    person, code = await sent(house)
    for _ in range(5):
        assert told(await verify(house, person, another(code))) == (400, "/problems/wrong-code")

    right = await verify(house, person, code)

    assert told(right) == (400, "/problems/wrong-code")
    assert await number(root, person) == (None, False)


async def test_the_fifth_try_itself_may_be_right(house: House) -> None:
    person, code = await sent(house)
    for _ in range(4):
        await verify(house, person, another(code))

    assert (await verify(house, person, code)).status_code == 204


async def test_a_code_is_good_for_ten_minutes(house: House, root: asyncpg.Connection) -> None:
    person, code = await sent(house)
    life = "SELECT expires_at - created_at FROM nura.verifications WHERE purpose = 'phone' AND user_id = $1"
    assert await root.fetchval(life, person.user_id) == timedelta(minutes=10)
    await root.execute("UPDATE nura.verifications SET expires_at = now() WHERE user_id = $1", person.user_id)

    assert told(await verify(house, person, code)) == (400, "/problems/wrong-code")


async def test_a_new_code_voids_the_one_before_and_does_not_lend_it_tries(house: House) -> None:
    person, old = await sent(house)
    await house.ask("phone", bearer=person.access_token, phone=SPOKEN)
    new = house.secret_for(NUMBER)
    if old != new:
        assert told(await verify(house, person, old)) == (400, "/problems/wrong-code")

    assert (await verify(house, person, new)).status_code == 204


async def test_another_persons_code_proves_nothing(house: House) -> None:
    _, code = await sent(house)
    stranger = await house.newcomer()

    assert told(await verify(house, stranger, code)) == (400, "/problems/wrong-code")


async def test_nobody_can_find_the_code_in_the_database(house: House, root: asyncpg.Connection) -> None:
    """A million codes are hashed in a second: without the server's key none of them fits, salted or not."""
    person, code = await sent(house)

    row = await root.fetchrow(
        "SELECT * FROM nura.verifications WHERE purpose = 'phone' AND user_id = $1", person.user_id
    )

    assert row is not None
    plain = {
        hashlib.sha256(text.encode()).digest() for text in (code, row["id"] + code, f"{row['id']}|{code}")
    }
    assert row["secret_hash"] not in plain
    assert code not in str([value for name, value in row.items() if name not in ("secret_hash", "id")])


async def test_a_number_needs_a_recent_sign_in(house: House, root: asyncpg.Connection) -> None:
    person, code = await sent(house)
    claims = house.tokens.verify(person.access_token)
    old = house.tokens.issue(
        person.user_id, session_id=claims.session_id, signed_in_at=time.time() - house.local.recent_s - 90
    )

    answers = [
        await house.ask("phone", bearer=old, phone=SPOKEN),
        await house.ask("verify-phone", bearer=old, code=code),
    ]

    assert [told(answer) for answer in answers] == [(403, "/problems/recent-sign-in-required")] * 2
    assert (await number(root, person), len(letters_to(house.folder, NUMBER))) == ((None, False), 1)


async def test_the_proved_address_is_told_of_a_new_number_once_and_not_which(house: House) -> None:
    person, code = await sent(house)
    await house.ask("verify-email", token=house.secret_for(person.email))

    await verify(house, person, code)

    letter = letters_to(house.folder, person.email)[0]
    assert "a phone number was confirmed" in text_of(letter)
    assert "600" not in text_of(letter)
    await house.ask("phone", bearer=person.access_token, phone=SPOKEN)
    assert (await verify(house, person, house.secret_for(NUMBER))).status_code == 204
    assert len(letters_to(house.folder, person.email)) == 2  # the same number again is no news


async def test_a_session_that_ends_while_its_code_comes_back_adds_no_number(
    house: House, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, code = await sent(house)
    guess = house.local.proofs.guess_code

    async def guess_and_be_late(*args: str) -> bytes | None:
        guessed = await guess(*args)
        await house.sessions.end_all(person.user_id, keep=None, reason="password")
        return guessed

    monkeypatch.setattr(house.local.proofs, "guess_code", guess_and_be_late)

    answer = await verify(house, person, code)

    assert told(answer) == (401, "/problems/session-ended")
    assert await number(root, person) == (None, False)


async def test_a_number_is_rung_three_times_whoever_asks(house: House) -> None:
    for _ in range(3):
        await sent(house)
    another_person = await house.newcomer()

    answer = await house.ask("phone", bearer=another_person.access_token, phone=SPOKEN)

    assert told(answer) == (429, "/problems/too-fast")
    assert len(letters_to(house.folder, NUMBER)) == 3


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\0" * 6, "١٢٣٤٥٦", "9" * 10_000])
async def test_what_is_no_code_is_wrong_and_nothing_else(house: House, code: str) -> None:
    person, _ = await sent(house)

    assert told(await verify(house, person, code)) == (400, "/problems/wrong-code")
