"""Each person's key: one across instances, read once, forgotten in time, gone when destroyed."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from databases import Database
from nura_rt.store import sealing, user_keys
from nura_rt.store.kek import Kek
from nura_rt.store.keyring import Keyring, NoSuchPerson, WrongKek
from nura_rt.store.sealing import SealBroken
from rows import make_person, one

KEK, NEXT_KEK = Kek.of(b"k" * 32), Kek.of(b"n" * 32)
PLACE = {"table": "messages", "field": "content", "row_id": "row-1"}
WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'nura' AND wait_event_type = 'Lock' AND query ~ 'user_keys'
"""


@pytest.fixture
def statements() -> list[str]:
    """What was asked of the table through `keys`."""
    return []


@pytest.fixture
async def keys(
    database: Database, root: asyncpg.Connection, statements: list[str]
) -> AsyncIterator[asyncpg.Pool]:
    """A pool of the role that may read keys; no keys are left from other tests."""

    def note(record: Any) -> None:
        statements.extend([record.query] if "nura.user_keys" in record.query else [])

    async def init(conn: Any) -> None:
        conn.add_query_logger(note)

    await root.execute("DELETE FROM nura.user_keys")
    role = {"role": "nura_auth"}
    opened = await asyncpg.create_pool(database.url, min_size=1, max_size=4, server_settings=role, init=init)
    yield opened
    opened.terminate()


@asynccontextmanager
async def locked(
    database: Database, mode: str, *, waiting: int
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Holds the table: SHARE lets reads through, ACCESS EXCLUSIVE nothing. Gives a wait for so many to wait."""
    holder, watch = await asyncpg.connect(database.admin_url), await asyncpg.connect(database.admin_url)

    async def until_waiting() -> None:
        while await watch.fetchval(WAITING) < waiting:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)

    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE nura.user_keys IN {mode} MODE")
            yield until_waiting
    finally:
        await holder.close()
        await watch.close()


async def test_a_key_is_made_on_first_use_and_stays(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    person = await make_person(root)

    made = await Keyring(keys, KEK).key_of(person)

    assert len(made) == 32
    assert await Keyring(keys, KEK).key_of(person) == made


async def test_two_people_have_two_keys(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    ring = Keyring(keys, KEK)

    assert await ring.key_of(await make_person(root)) != await ring.key_of(await make_person(root))


async def test_only_the_wrapped_key_is_stored(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    person = await make_person(root)

    key = await Keyring(keys, KEK).key_of(person)

    (wrapped, kek_id) = await one(
        root, "SELECT wrapped, kek_id FROM nura.user_keys WHERE user_id = $1", person
    )
    assert kek_id == KEK.id
    assert key not in wrapped
    assert KEK.key not in wrapped


async def test_first_uses_on_two_instances_end_with_one_key(
    database: Database, keys: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    person = await make_person(root)
    here, there = Keyring(keys, KEK), Keyring(keys, KEK)

    async with locked(database, "SHARE", waiting=2) as both_insert:
        asked = [asyncio.create_task(ring.key_of(person)) for ring in (here, there)]
        await both_insert()
    first, second = await asyncio.gather(*asked)

    assert first == second == await Keyring(keys, KEK).key_of(person)


async def test_many_who_ask_at_once_ask_the_database_once(
    database: Database, keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    person = await make_person(root)
    ring = Keyring(keys, KEK)

    async with locked(database, "SHARE", waiting=1) as inserting:
        asked = [asyncio.create_task(ring.key_of(person)) for _ in range(20)]
        await inserting()
    found = await asyncio.gather(*asked)

    assert len(set(found)) == 1
    assert [sql.split()[0] for sql in statements] == ["SELECT", "INSERT"]


async def test_who_waits_gets_the_key_though_the_first_to_ask_left(
    database: Database, keys: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    person = await make_person(root)
    ring = Keyring(keys, KEK)

    async with locked(database, "ACCESS EXCLUSIVE", waiting=1) as reading:
        first, second = (asyncio.create_task(ring.key_of(person)) for _ in range(2))
        await reading()
        first.cancel()
    found = await second

    assert found == await Keyring(keys, KEK).key_of(person)
    assert first.cancelled()


async def test_who_waits_and_leaves_takes_nothing_from_the_others(
    database: Database, keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    person = await make_person(root)
    ring = Keyring(keys, KEK)

    async with locked(database, "SHARE", waiting=1) as inserting:
        first, second, third = (asyncio.create_task(ring.key_of(person)) for _ in range(3))
        await inserting()
        second.cancel()
    found = await asyncio.gather(first, third)

    assert found[0] == found[1]
    assert len(statements) == 2


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(
    keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    ring, nobody = Keyring(keys, KEK), "00000000-0000-4000-8000-000000000000"

    answers = await asyncio.gather(*(ring.key_of(nobody) for _ in range(5)), return_exceptions=True)

    assert {type(answer) for answer in answers} == {NoSuchPerson}
    assert len(statements) == 2
    await root.execute("INSERT INTO users (id, email) VALUES ($1, 'late@example.invalid')", nobody)
    assert len(await ring.key_of(nobody)) == 32


async def test_a_failure_that_was_told_is_not_logged_as_lost(
    keys: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    gc.collect()  # what other tests left is not ours to answer for
    caplog.clear()
    with pytest.raises(NoSuchPerson):
        await Keyring(keys, KEK).key_of("nobody")
    gc.collect()

    assert [record.name for record in caplog.records] == []


async def test_a_kept_key_is_read_again_when_its_time_is_over(
    keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    person, now = await make_person(root), [1000.0]
    ring = Keyring(keys, KEK, ttl_s=300, clock=lambda: now[0])
    await ring.key_of(person)
    asked = []

    for now[0] in (1299.9, 1300.0, 1599.9, 1600.0):
        statements.clear()
        await ring.key_of(person)
        asked.append(len(statements))

    assert asked == [0, 1, 0, 1]


async def test_the_least_recently_used_key_goes_first(
    keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    ring = Keyring(keys, KEK, at_most=2)
    ann, bob, cleo = [await make_person(root) for _ in range(3)]
    for person in (ann, bob, ann, cleo):
        await ring.key_of(person)
    asked = []

    for person in (ann, cleo, bob):
        statements.clear()
        await ring.key_of(person)
        asked.append(len(statements))

    assert asked == [0, 0, 1]


async def test_a_forgotten_key_is_read_again(
    keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    person = await make_person(root)
    ring = Keyring(keys, KEK)
    key = await ring.key_of(person)
    statements.clear()

    ring.forget(person)

    assert await ring.key_of(person) == key
    assert len(statements) == 1


async def test_a_key_on_its_way_while_forgotten_is_not_kept(
    database: Database, keys: asyncpg.Pool, root: asyncpg.Connection, statements: list[str]
) -> None:
    person = await make_person(root)
    ring = Keyring(keys, KEK)

    async with locked(database, "SHARE", waiting=1) as inserting:
        asked = asyncio.create_task(ring.key_of(person))
        await inserting()
        ring.forget(person)
    await asked
    statements.clear()

    await ring.key_of(person)
    assert len(statements) == 1


async def test_what_a_destroyed_key_sealed_stays_closed(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    person = await make_person(root)
    ring, elsewhere = Keyring(keys, KEK), Keyring(keys, KEK)
    kept = sealing.seal(await ring.key_of(person), "words", person_id=person, **PLACE)
    await elsewhere.key_of(person)

    await ring.destroy(person)
    elsewhere.forget(person)

    assert await user_keys.find(keys, person) is None
    for instance in (ring, elsewhere, Keyring(keys, KEK)):
        with pytest.raises(SealBroken):
            sealing.open_sealed(await instance.key_of(person), kept, person_id=person, **PLACE)


async def test_a_person_who_is_gone_gets_no_key(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    person = await make_person(root)
    await Keyring(keys, KEK).key_of(person)
    await root.execute("DELETE FROM users WHERE id = $1", person)

    with pytest.raises(NoSuchPerson) as refused:
        await Keyring(keys, KEK).key_of(person)

    assert person not in "".join(traceback.format_exception(refused.value))


async def test_another_kek_is_named_and_not_tried(keys: asyncpg.Pool, root: asyncpg.Connection) -> None:
    person = await make_person(root)
    await Keyring(keys, KEK).key_of(person)

    with pytest.raises(WrongKek) as refused:
        await Keyring(keys, NEXT_KEK).key_of(person)

    assert str(refused.value) == f"keys were wrapped with KEK {KEK.id}, this one is {NEXT_KEK.id}"


async def test_a_key_put_in_another_persons_row_does_not_open(
    keys: asyncpg.Pool, root: asyncpg.Connection
) -> None:
    ann, bob = await make_person(root), await make_person(root)
    await Keyring(keys, KEK).key_of(ann)
    await root.execute(
        "INSERT INTO nura.user_keys (user_id, wrapped, kek_id) SELECT $1, wrapped, kek_id FROM nura.user_keys",
        bob,
    )

    with pytest.raises(SealBroken):
        await Keyring(keys, KEK).key_of(bob)
