"""`nura-rt seed`: a demo person to try the server with. Safe to repeat; refused in production."""

from datetime import UTC, datetime

import asyncpg
import msgspec

from nura_rt.auth import passwords
from nura_rt.cli import made_up
from nura_rt.cli.errors import UsageError
from nura_rt.cli.made_up import Person, Row
from nura_rt.cli.people import DEMO_EMAIL, DEMO_PASSWORD, person_id
from nura_rt.people.sign_in import DemoPerson
from nura_rt.pipeline.placeholders import Placeholders
from nura_rt.settings import Settings
from nura_rt.store import accounts, kek, sealing, seeding, users
from nura_rt.store.logins import logins


async def seed(settings: Settings, database_url: str) -> DemoPerson:
    """Makes the demo person with a local account, unless they are there."""
    refuse_in_production(settings)
    conn = await logins(settings, database_url).connect("nura_auth")
    try:
        if await accounts.find(conn, DEMO_EMAIL) is None:
            await _insert(conn)
    finally:
        await conn.close()
    return DemoPerson(DEMO_EMAIL, DEMO_PASSWORD)


async def find_demo(settings: Settings, database_url: str) -> DemoPerson | None:
    """The demo person, if somebody has seeded this database."""
    conn = await logins(settings, database_url).connect("nura_auth")
    try:
        account = await accounts.find(conn, DEMO_EMAIL)
    finally:
        await conn.close()
    return DemoPerson(DEMO_EMAIL, DEMO_PASSWORD) if account else None


def refuse_in_production(settings: Settings) -> None:
    """Before anything is touched."""
    if settings.env == "production":
        raise UsageError("NURA_ENV: seed makes people up; it is refused in production")


async def _insert(conn: asyncpg.Connection) -> None:
    hashed = await passwords.hash_password(DEMO_PASSWORD)
    demo = person_id("demo")
    async with conn.transaction():
        try:
            async with conn.transaction():
                await users.insert_signed_up(conn, person_id=demo, email=DEMO_EMAIL, display_name="Robin")
        except asyncpg.UniqueViolationError:
            pass  # a token for them was used before the first seed
        await accounts.insert(conn, person_id=demo, email=DEMO_EMAIL, password_hash=hashed)
        await accounts.confirm_email(conn, demo, DEMO_EMAIL)


async def seed_people(settings: Settings, database_url: str, *, count: int, number: int) -> int:
    """`count` made-up people with rows in every table, the same for the same `number`. Returns how many are new."""
    refuse_in_production(settings)
    wrapping = kek.load(settings)
    hashed = await passwords.hash_password(DEMO_PASSWORD)
    made_of = made_up.material(number, now=datetime.now(UTC), password_hash=hashed)
    people = {person.id: person for person in (Person(made_of, one) for one in range(count))}
    conn = await logins(settings, database_url).connect("nura_owner")
    try:
        async with conn.transaction():
            await seeding.begin(conn)
            await seeding.insert(conn, made_up.shared_rows(made_of))
            new = await seeding.missing(conn, list(people))
            for person_id, person in people.items():
                if person_id in new:
                    key = sealing.new_key()
                    wrapped = sealing.wrap(wrapping.key, key, person_id=person_id)
                    keys = [{"user_id": person_id, "wrapped": wrapped, "kek_id": wrapping.id}]
                    rows = person.make().rows | {"nura.user_keys": keys}
                    rows["nura.placeholders"] = [
                        _sealed(key, person_id, *one) for one in person.placeholders.items()
                    ]
                    await seeding.insert(conn, rows)
            await seeding.end(conn)
    finally:
        await conn.close()
    return len(new)


def _sealed(key: bytes, person_id: str, conversation_id: str, placeholders: Placeholders) -> Row:
    text = msgspec.json.encode(placeholders.to_builtins()).decode()
    sealed = sealing.seal(
        key, text, table="nura.placeholders", row_id=conversation_id, person_id=person_id, field="sealed"
    )
    return {"conversation_id": conversation_id, "user_id": person_id, "sealed": sealed, "version": 1}
