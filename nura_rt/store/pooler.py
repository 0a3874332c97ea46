"""Connections through a transaction pooler, where each transaction may meet another server connection.

Nothing is said outside a transaction, and each begins by becoming its role: no session state is made or met.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, NoReturn

import asyncpg

from nura_rt.store.recycling import Connection


def acting(settings: Mapping[str, str]) -> type["TransactionConnection"]:
    """The class of connections whose every transaction begins with `settings`, `role` among them."""
    calls = (f"set_config({_literal(name)}, {_literal(value)}, true)" for name, value in settings.items())

    class Acting(TransactionConnection):
        opening = f" SELECT {', '.join(calls)};"

    return Acting


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _in_a_transaction(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    """asyncpg's method, in a transaction of its own unless there is one."""
    method = getattr(asyncpg.Connection, name)

    @wraps(method)
    async def act(self: asyncpg.Connection, *arguments: Any, **named: Any) -> Any:
        if self.is_closed() or self.is_in_transaction():  # a closed one says so itself
            return await method(self, *arguments, **named)
        async with self.transaction():
            return await method(self, *arguments, **named)

    return act


class TransactionConnection(Connection):
    """asyncpg's connection, each statement in a transaction. Needs `statement_cache_size=0`.

    A prepared statement is run inside `transaction()`: outside, the bare login runs it, which may do nothing.
    """

    opening = ""  # what follows BEGIN in the same message

    executemany = _in_a_transaction("executemany")
    fetch = _in_a_transaction("fetch")
    fetchval = _in_a_transaction("fetchval")
    fetchrow = _in_a_transaction("fetchrow")
    fetchmany = _in_a_transaction("fetchmany")
    prepare = _in_a_transaction("prepare")
    copy_from_table = _in_a_transaction("copy_from_table")
    copy_from_query = _in_a_transaction("copy_from_query")
    copy_to_table = _in_a_transaction("copy_to_table")
    copy_records_to_table = _in_a_transaction("copy_records_to_table")
    _execute_alone = _in_a_transaction("execute")

    async def execute(self, query: str, *arguments: object, **named: Any) -> str:
        """As asyncpg's, which also begins and ends its transactions here."""
        if query.startswith("ROLLBACK"):
            return await super().execute(query, **named)
        if not query.startswith("BEGIN"):
            status: str = await self._execute_alone(query, *arguments, **named)
            return status
        try:
            return await super().execute(query + self.opening, **named)
        except BaseException:
            self.terminate()  # begun or not, nobody knows as whom
            raise

    async def add_listener(self, channel: str, callback: Any) -> NoReturn:
        """Always asyncpg.InterfaceError."""
        raise asyncpg.InterfaceError("LISTEN needs a session of its own: not behind a transaction pooler")
