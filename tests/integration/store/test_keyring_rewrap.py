"""Another KEK: every key moves under it and stays the same key; a move that stopped goes on."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from databases import Database
from nura_rt.store import keyring, pool, user_keys
from nura_rt.store.kek import Kek
from nura_rt.store.keyring import Keyring, Rewrapped, WrongKek
from nura_rt.store.user_keys import UserKey
from rows import make_person

OLD, NEW, OTHER = Kek.of(b"o" * 32), Kek.of(b"n" * 32), Kek.of(b"x" * 32)
PEOPLE = 7


@pytest.fixture
async def keys(
    database: Database, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Pool]:
    """The pool of the role that may read keys; no keys are left from other tests, and batches are small."""
    monkeypatch.setattr(keyring, "_REWRAPPED_AT_ONCE", 3)
    await root.execute("DELETE FROM nura.user_keys")
    opened = await pool.open_pool(database.url, "nura_auth", smallest=1, largest=4)
    yield opened
    opened.terminate()


@pytest.fixture
async def before(keys: asyncpg.Pool, root: asyncpg.Connection) -> dict[str, bytes]:
    """People with keys under OLD."""
    ring = Keyring(keys, OLD)
    return {person: await ring.key_of(person) for person in [await make_person(root) for _ in range(PEOPLE)]}


async def kek_ids(root: asyncpg.Connection) -> dict[str, int]:
    rows = await root.fetch("SELECT kek_id, count(*) AS count FROM nura.user_keys GROUP BY kek_id")
    return {row["kek_id"]: row["count"] for row in rows}


async def keys_of(ring: Keyring, people: dict[str, bytes]) -> dict[str, bytes]:
    return {person: await ring.key_of(person) for person in people}


async def test_every_key_moves_and_stays_the_same(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    moved = await Keyring(keys, OLD).rewrap_all(NEW)

    assert moved == Rewrapped(PEOPLE, [])
    assert await kek_ids(root) == {NEW.id: PEOPLE}
    assert await keys_of(Keyring(keys, NEW), before) == before


async def test_the_old_kek_alone_opens_nothing_any_more(keys: asyncpg.Pool, before: dict[str, bytes]) -> None:
    await Keyring(keys, OLD).rewrap_all(NEW)

    with pytest.raises(WrongKek):
        await Keyring(keys, OLD).key_of(next(iter(before)))


async def test_a_move_that_stopped_goes_on(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await Keyring(keys, OLD).rewrap_all(NEW, on_batch=stop)
    assert await kek_ids(root) == {OLD.id: PEOPLE - 3, NEW.id: 3}

    moved = await Keyring(keys, OLD).rewrap_all(NEW)

    assert moved == Rewrapped(PEOPLE - 3, [])
    assert await keys_of(Keyring(keys, NEW), before) == before


async def test_the_keyring_that_moves_them_opens_both_and_makes_new_ones_under_the_new(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    ring, newcomer = Keyring(keys, OLD), await make_person(root)

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await ring.rewrap_all(NEW, on_batch=stop)
    await ring.key_of(newcomer)

    assert await keys_of(ring, before) == before
    assert await kek_ids(root) == {OLD.id: PEOPLE - 3, NEW.id: 4}
    assert await ring.rewrap_all(NEW) == Rewrapped(PEOPLE - 3, [])


async def test_batches_are_told_as_they_are_done(keys: asyncpg.Pool, before: dict[str, bytes]) -> None:
    told: list[int] = []

    await Keyring(keys, OLD).rewrap_all(NEW, on_batch=told.append)

    assert told == [3, 3, 1]


async def test_two_who_move_at_once_share_the_work(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    moved = await asyncio.gather(*(Keyring(keys, OLD).rewrap_all(NEW) for _ in range(2)))

    assert sum(one.count for one in moved) == PEOPLE
    assert await keys_of(Keyring(keys, NEW), before) == before


async def test_keys_made_behind_the_move_are_moved_too(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    """An instance that knows only the old KEK goes on while the move runs."""
    first = "00000000-0000-0000-0000-000000000000"
    await root.execute("INSERT INTO users (id, email) VALUES ($1, 'first@example.invalid')", first)
    waiting = [Keyring(keys, OLD).key_of(first)]

    class Meanwhile(Keyring):
        """Another instance makes a key between two batches."""

        async def _rewrap_some(self, old: Kek, after: str, broken: list[str]) -> tuple[str | None, int]:
            done = await super()._rewrap_some(old, after, broken)
            if waiting:
                await waiting.pop()
            return done

    moved = await Meanwhile(keys, OLD).rewrap_all(NEW)

    assert moved.count == PEOPLE + 1
    assert await kek_ids(root) == {NEW.id: PEOPLE + 1}


async def test_a_broken_key_is_named_and_left_while_the_others_move(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    broken = sorted(before)[2]
    await root.execute("UPDATE nura.user_keys SET wrapped = $2 WHERE user_id = $1", broken, bytes(60))

    moved = await Keyring(keys, OLD).rewrap_all(NEW)

    assert moved == Rewrapped(PEOPLE - 1, [broken])
    assert (await user_keys.find(keys, broken)) == UserKey(broken, bytes(60), OLD.id)


async def test_keys_under_a_third_kek_are_left_alone(
    keys: asyncpg.Pool, root: asyncpg.Connection, before: dict[str, bytes]
) -> None:
    await Keyring(keys, OTHER).key_of(await make_person(root))

    await Keyring(keys, OLD).rewrap_all(NEW)

    assert await kek_ids(root) == {NEW.id: PEOPLE, OTHER.id: 1}


async def test_a_move_to_the_same_kek_does_nothing(keys: asyncpg.Pool, before: dict[str, bytes]) -> None:
    assert await Keyring(keys, OLD).rewrap_all(OLD) == Rewrapped(0, [])


async def test_a_key_destroyed_and_made_anew_meanwhile_is_not_brought_back(
    keys: asyncpg.Pool, before: dict[str, bytes]
) -> None:
    person, ring = next(iter(before)), Keyring(keys, OLD)
    read = await user_keys.find(keys, person)
    assert read is not None
    await ring.destroy(person)
    anew = await ring.key_of(person)

    changed = await user_keys.rewrap(keys, [read], [UserKey(person, read.wrapped[::-1], NEW.id)])

    assert changed == 0
    assert await Keyring(keys, OLD).key_of(person) == anew != before[person]


async def test_a_destroyed_key_is_not_brought_back(keys: asyncpg.Pool, before: dict[str, bytes]) -> None:
    person = next(iter(before))
    read = await user_keys.find(keys, person)
    assert read is not None
    await Keyring(keys, OLD).destroy(person)

    assert await user_keys.rewrap(keys, [read], [UserKey(person, read.wrapped, NEW.id)]) == 0
    assert await user_keys.find(keys, person) is None
