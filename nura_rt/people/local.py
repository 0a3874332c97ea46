"""What the rooms of local accounts share: their parts, their limits, and who stands at the door."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from litestar import Request

from nura_rt.auth.address import address_of, prefix_of
from nura_rt.auth.bearer import bearer
from nura_rt.auth.device import device_of_agent
from nura_rt.auth.identify import Identify
from nura_rt.auth.passwords import Passwords, PasswordsBusy
from nura_rt.auth.refresh import Succession
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Identity, Tokens
from nura_rt.conversation.words import Words
from nura_rt.notify.port import Delivery, Means
from nura_rt.people.proofs import Proofs
from nura_rt.people.signing import Signing
from nura_rt.people.tries import Tries
from nura_rt.protocol.problem import Refusal
from nura_rt.settings import Settings
from nura_rt.store import accounts
from nura_rt.store.accounts import Account
from nura_rt.store.pool import Executor

Changed = Callable[[str], Awaitable[None]]
TOKEN_NEEDED: tuple[dict[str, list[str]], ...] = ({"bearer": []},)  # for the documentation


class Limits:
    """Tries in memory, per instance. What is costly to others is counted in the database as well."""

    def __init__(self) -> None:
        self.by_address = Tries(30)  # a minute: bounds the bcrypt work one address can ask for
        self.by_account = Tries(10)  # a minute and address: a stranger elsewhere cannot lock the owner out
        self.by_person = Tries(10)  # a minute: passwords and codes guessed with a stolen token
        self.proofs = Tries(10, within_s=600)  # per person, never given back: right ones cost bcrypt too
        self.refreshes = Tries(300)  # a minute and address: a clinic's devices share one
        self.letters = Tries(5, within_s=600)  # per address typed, whether it has an account or not
        self.numbers = Tries(3, within_s=600)  # per number: nobody's phone rings all night


class Local:
    """Built once, by app.py; `passwords` is closed there too. `changed` is told whose row of `users` is another now."""

    def __init__(
        self, settings: Settings, tokens: Tokens, *, secret: str, pool: asyncpg.Pool, sessions: Sessions,
        identify: Identify, delivery: Delivery, passwords: Passwords, changed: Changed, words: Words,
    ) -> None:  # fmt: skip
        self.public_url = settings.public_url
        self.recent_s = settings.recent_sign_in_s
        self.pool = pool
        self.sessions = sessions
        self.delivery = delivery
        self.changed = changed
        self.words = words
        self.limits = Limits()
        self.proofs = Proofs(pool, secret)
        self.signing = Signing(pool, tokens, sessions, Succession(secret), ttl_s=settings.refresh_ttl_s)
        self._passwords = passwords
        self._identify = identify
        self._trusted = settings.trusted_proxies

    async def identity(self, request: Request[Any, Any, Any]) -> Identity:
        """Who asks. Raises Refusal 401 or 503."""
        return await bearer(request, self._identify)

    async def account(self, identity: Identity) -> Account:
        """The account of who asks. Raises Refusal 404 for somebody who signs in elsewhere."""
        account = await accounts.of_person(self.pool, identity.user_id)
        if account is None:
            raise Refusal(404, "no-account", "this sign-in has no local account")
        return account

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Executor]:
        """A transaction. Raises Refusal 503 when it and another one waited for each other: nothing was done."""
        try:
            async with self.pool.acquire() as conn, conn.transaction():
                yield conn
        except asyncpg.DeadlockDetectedError:
            detail = "this was being changed elsewhere in the same moment; try again"
            raise Refusal(503, "busy", detail, retry_after_ms=1_000) from None

    def address(self, request: Request[Any, Any, Any]) -> str:
        """Where the request comes from."""
        return address_of(request.scope, self._trusted)

    def place(self, request: Request[Any, Any, Any]) -> str:
        """What tries are counted by: an address, or the network of an IPv6 one, which has too many."""
        address = self.address(request)
        return prefix_of(address) if ":" in address else address

    def device(self, request: Request[Any, Any, Any]) -> str | None:
        """What the request is made with, in a few words."""
        return device_of_agent(request.headers.get("user-agent"))

    def require_delivery(self, means: Means) -> None:
        """Before anything is promised. Raises Refusal 503."""
        if not self.delivery.carries(means):
            raise Refusal(503, "no-delivery", "this server cannot send that: no delivery is set up")

    async def hash(self, password: str) -> str:
        """The hash of a password that keeps its rule. Raises Refusal 503 when too many wait."""
        try:
            return await self._passwords.hash(password)
        except PasswordsBusy:
            raise _busy() from None

    async def matches(self, password: str, account: Account | None) -> bool:
        """Is it the account's password. Costs the same without an account. Raises Refusal 503 like `hash`."""
        try:
            if account is None:
                await self._passwords.burn()
                return False
            return await self._passwords.verify(password, account.password_hash) and account.open
        except PasswordsBusy:
            raise _busy() from None

    async def prove(self, identity: Identity, password: str, *, field: str) -> Account:
        """The account of who asks, whose password they have just given. Raises Refusal 403, 404, 429, 503."""
        self.limits.proofs.take(identity.user_id)
        self.limits.by_person.take(identity.user_id)
        account = await self.account(identity)
        if not await self.matches(password, account):
            raise Refusal(
                403, "wrong-password", "this is not your password", field=field, rule="must be your password"
            )
        self.limits.by_person.forget(identity.user_id)
        return account


def _busy() -> Refusal:
    return Refusal(503, "busy", "too many people sign in just now; try again", retry_after_ms=2_000)
