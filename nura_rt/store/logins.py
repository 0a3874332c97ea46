"""Where each role signs in: one address for all, or one of its own (`NURA_DSN_<ROLE>`), maybe behind a pooler."""

import asyncpg
import msgspec

from nura_rt.settings import Settings
from nura_rt.store import pool
from nura_rt.store.pool import Pooler


class Logins(msgspec.Struct, frozen=True):
    """`by_role` is keyed without `nura_`. Not shown: addresses hold passwords."""

    url: str
    by_role: dict[str, str] = {}
    pooler: Pooler = "session"

    def __repr__(self) -> str:
        return "Logins(...)"

    def url_of(self, role: str) -> str:
        """The address for `nura_<role>`."""
        return self.by_role.get(role.removeprefix("nura_"), self.url)

    async def connect(self, role: str) -> asyncpg.Connection:
        """One connection that acts as `role`."""
        return await pool.connect(self.url_of(role), role, pooler=self.pooler)

    async def open_pool(self, role: str, *, smallest: int, largest: int) -> asyncpg.Pool:
        """A pool that acts as `role`."""
        return await pool.open_pool(
            self.url_of(role), role, smallest=smallest, largest=largest, pooler=self.pooler
        )


def logins(settings: Settings, database_url: str) -> Logins:
    """What the settings say, at this database."""
    return Logins(database_url, settings.dsns, settings.db_pooler)
