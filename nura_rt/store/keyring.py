"""Each person's key, unwrapped and kept for a while in memory. It never leaves this process.

After `destroy` nothing of that person opens: here at once, on another instance when it is told to `forget`
or its copy is older than `ttl_s`.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import asyncpg
import msgspec

from nura_rt.store import sealing, user_keys
from nura_rt.store.kek import Kek
from nura_rt.store.sealing import SealBroken
from nura_rt.store.user_keys import UserKey

_TRIES = 8  # each one more is a key destroyed in the moment between two statements
_REWRAPPED_AT_ONCE = 200


class WrongKek(Exception):
    """A key was wrapped by another KEK than ours; the message names both."""

    def __init__(self, wrapped_by: str, ours: str) -> None:
        super().__init__(f"keys were wrapped with KEK {wrapped_by}, this one is {ours}")
        self.wrapped_by = wrapped_by
        self.ours = ours


class NoSuchPerson(Exception):
    """There is nobody to have a key: never was, or erased."""


class Rewrapped(msgspec.Struct, frozen=True):
    """How many keys changed their KEK, and the people whose key no longer opens (left untouched)."""

    count: int
    broken: list[str]


class Keyring:
    """At most `at_most` keys, the least recently used go first; none is used longer than `ttl_s` seconds."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        kek: Kek,
        ttl_s: float = 300,
        at_most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pool` acts as `nura_auth`; `clock` gives seconds that only grow."""
        self._pool = pool
        self._kek = kek  # wraps new keys
        self._keks = {kek.id: kek}  # unwrap
        self._ttl_s = ttl_s
        self._at_most = at_most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._flights: dict[str, asyncio.Future[bytes]] = {}

    async def key_of(self, person_id: str) -> bytes:
        """The person's 32 bytes for `sealing`; made on first use, the same on every instance.

        Raises WrongKek, NoSuchPerson, SealBroken (the stored key was changed) and what the database raises.
        """
        while (key := self._fresh(person_id)) is None:
            flight = self._flights.get(person_id)
            if flight is None:
                return await self._fetch(person_id)
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result()
        return key

    def forget(self, person_id: str) -> None:
        """The next use reads the key anew; an answer still on its way is not kept."""
        self._kept.pop(person_id, None)
        self._flights.pop(person_id, None)

    async def destroy(self, person_id: str) -> None:
        """Crypto-shredding: what this person's key has sealed never opens again. A later use makes another key.

        Backups that hold the wrapped key open with it until they expire.
        """
        try:
            await user_keys.delete(self._pool, person_id)
        finally:  # after it, so that a key read before the deletion is not kept
            self.forget(person_id)

    async def rewrap_all(
        self, new_kek: Kek, on_batch: Callable[[int], None] = lambda count: None
    ) -> Rewrapped:
        """Every key goes from our KEK under `new_kek`, in batches; begun again it goes on where it stopped.

        From its start new keys are wrapped by `new_kek` and both open here. Instances that know only one of
        the two meet WrongKek for the other's keys. `on_batch` hears how many each batch moved.
        """
        self._kek = self._keks[new_kek.id] = new_kek
        moved, broken = 0, list[str]()
        for old_kek in [kek for kek in self._keks.values() if kek.id != new_kek.id]:
            after: str | None = ""
            while after is not None:
                after, count = await self._rewrap_some(old_kek, after, broken)
                moved += count
                if count:
                    on_batch(count)
        return Rewrapped(moved, broken)

    async def _rewrap_some(self, old_kek: Kek, after: str, broken: list[str]) -> tuple[str | None, int]:
        """One batch: where the next begins (None: nothing is left) and how many it moved."""
        found = await user_keys.list_wrapped_by(
            self._pool, old_kek.id, after=after, without=broken, limit=_REWRAPPED_AT_ONCE
        )
        if not found:
            return ("" if after else None), 0  # keys made behind our back are seen from the beginning
        old: list[UserKey] = []
        new: list[UserKey] = []
        for row in found:
            try:
                new.append(self._wrapped(row.user_id, self._unwrapped(row)))
                old.append(row)
            except SealBroken:
                broken.append(row.user_id)
        return found[-1].user_id, await user_keys.rewrap(self._pool, old, new)

    def _fresh(self, person_id: str) -> bytes | None:
        kept = self._kept.get(person_id)
        if kept is None:
            return None
        read_at, key = kept
        if self._clock() - read_at >= self._ttl_s:
            del self._kept[person_id]
            return None
        self._kept.move_to_end(person_id)
        return key

    async def _fetch(self, person_id: str) -> bytes:
        """One question to the database, however many wait for it; its failure is theirs too."""
        flight = self._flights[person_id] = asyncio.get_running_loop().create_future()
        asked_at = self._clock()
        try:
            key = await self._find_or_make(person_id)
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # nobody may be waiting
            raise
        except BaseException:
            flight.cancel()  # only this caller left; one of those who wait asks again
            raise
        else:
            flight.set_result(key)
            if self._flights.get(person_id) is flight:
                self._keep(person_id, asked_at, key)
            return key
        finally:
            if self._flights.get(person_id) is flight:
                del self._flights[person_id]

    def _keep(self, person_id: str, read_at: float, key: bytes) -> None:
        self._kept[person_id] = (read_at, key)
        while len(self._kept) > self._at_most:
            self._kept.popitem(last=False)

    async def _find_or_make(self, person_id: str) -> bytes:
        row = await user_keys.find(self._pool, person_id)
        for _ in range(_TRIES):
            if row is not None:
                return self._unwrapped(row)
            try:
                made = self._wrapped(person_id, sealing.new_key())
                row = await user_keys.insert_if_missing(self._pool, made)
            except asyncpg.ForeignKeyViolationError:
                raise NoSuchPerson from None
        raise NoSuchPerson  # destroyed as often as it was made

    def _unwrapped(self, row: UserKey) -> bytes:
        kek = self._keks.get(row.kek_id)
        if kek is None:
            raise WrongKek(row.kek_id, self._kek.id)
        return sealing.unwrap(kek.key, row.wrapped, person_id=row.user_id)

    def _wrapped(self, person_id: str, key: bytes) -> UserKey:
        return UserKey(person_id, sealing.wrap(self._kek.key, key, person_id=person_id), self._kek.id)
