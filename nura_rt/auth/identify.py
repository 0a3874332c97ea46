"""A token becomes a person the database knows: verified first, then seen."""

import asyncpg

from nura_rt.auth.tokens import Identity, Tokens
from nura_rt.store import users
from nura_rt.store.pool import UNAVAILABLE


class SignInUnavailable(Exception):
    """The token is good, but the database does not answer; try again."""


class Identify:
    """Call with a token; raises TokenError or SignInUnavailable."""

    def __init__(self, tokens: Tokens, pool: asyncpg.Pool) -> None:
        self._tokens = tokens
        self._pool = pool

    async def __call__(self, token: str) -> Identity:
        """Verifies and makes sure of the person's row in `users`."""
        identity = self._tokens.verify(token)
        nobody = f"{identity.user_id}@no-email.invalid"  # never mailed
        try:
            try:
                await users.upsert_seen(
                    self._pool, person_id=identity.user_id, email=identity.email or nobody
                )
            except asyncpg.UniqueViolationError:  # the address is another person's row
                await users.upsert_seen(self._pool, person_id=identity.user_id, email=nobody)
        except UNAVAILABLE:
            raise SignInUnavailable from None
        return identity
