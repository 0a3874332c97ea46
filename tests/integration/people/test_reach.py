"""Who may be written to, and where: proved addresses of people who are here."""

import uuid

import asyncpg
import pytest

from house import House
from nura_rt.cli.people import DEMO_EMAIL
from nura_rt.store.reach import Reach, may_write_to

EMAIL, PHONE = "r@b.example", "+34600123456"


@pytest.mark.parametrize(
    ("columns", "reach"),
    [
        ({}, Reach()),
        ({"email_confirmed_at": "now()"}, Reach(EMAIL)),
        ({"phone_number": f"'{PHONE}'"}, Reach()),
        ({"phone_number": f"'{PHONE}'", "phone_confirmed_at": "now()"}, Reach(None, PHONE)),
        ({"phone_number": "''", "phone_confirmed_at": "now()"}, Reach()),
        ({"phone_confirmed_at": "now()", "email_confirmed_at": "now()"}, Reach(EMAIL)),
        ({"email": "id || '@no-email.invalid'", "email_confirmed_at": "now()"}, Reach()),
        ({"email": "upper(id || '@no-email.invalid')", "email_confirmed_at": "now()"}, Reach()),
        ({"email_confirmed_at": "now()", "is_active": "false"}, Reach()),
        ({"email_confirmed_at": "now()", "is_active": "NULL"}, Reach()),
        ({"email_confirmed_at": "now()", "deleted_at": "now()"}, Reach()),
    ],
)
async def test_only_what_was_proved_by_somebody_who_is_here(
    root: asyncpg.Connection, auth_pool: asyncpg.Pool, columns: dict[str, str], reach: Reach
) -> None:
    person_id = str(uuid.uuid4())
    await root.execute("DELETE FROM users WHERE email = $1", EMAIL)
    await root.execute("INSERT INTO users (id, email) VALUES ($1, $2)", person_id, EMAIL)
    for column, value in columns.items():
        await root.execute(f"UPDATE users SET {column} = {value} WHERE id = $1", person_id)

    assert await may_write_to(auth_pool, person_id) == reach


async def test_nobody_is_reached_nowhere(auth_pool: asyncpg.Pool) -> None:
    assert await may_write_to(auth_pool, "nobody") == Reach()


async def test_a_newcomer_is_reached_once_the_link_was_opened(house: House, auth_pool: asyncpg.Pool) -> None:
    person = await house.newcomer()
    before = await may_write_to(auth_pool, person.user_id)

    await house.ask("verify-email", token=house.secret_for(person.email))

    assert (before, await may_write_to(auth_pool, person.user_id)) == (Reach(), Reach(person.email))


async def test_the_demo_person_can_be_written_to(admin: asyncpg.Connection) -> None:
    """So that reminders can be tried on a fresh machine."""
    proved = "SELECT email_confirmed_at IS NOT NULL FROM users WHERE email = $1"

    assert await admin.fetchval(proved, DEMO_EMAIL)


def test_a_traceback_shows_no_address() -> None:
    assert EMAIL not in repr(Reach(EMAIL, PHONE))
    assert PHONE not in repr(Reach(EMAIL, PHONE))
