"""A phone number is proved by six digits: ten minutes, five tries, the newest code alone, and stored as no digits."""

import hashlib
from datetime import timedelta

import asyncpg
import httpx
import pytest

from house import House, Person
from letters import letters_to

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
