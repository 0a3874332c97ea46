"""Local accounts (AUTH_MODE=local): sign-up and sign-in. Unknown and wrong get the same answer in the same time."""

import re
import time
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from nura_rt.auth import passwords
from nura_rt.auth.tokens import Tokens
from nura_rt.protocol.problem import Refusal
from nura_rt.realtime.rate import Bucket
from nura_rt.settings import Settings
from nura_rt.store import accounts, users

_EMAIL = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]{1,180}\.[^@\s\x00.]{2,60}")
_PER_ADDRESS = 30  # a minute: bounds the bcrypt work one address can ask for
_PER_ACCOUNT = 10  # a minute and address: a stranger elsewhere cannot lock the owner out
_REMEMBERED_AT_MOST = 10_000


class SignUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new person gives."""

    email: str
    password: str
    display_name: str | None = None


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a known person gives."""

    email: str
    password: str


class Signed(msgspec.Struct, frozen=True):
    """A token and until when it is good."""

    access_token: str
    expires_at: datetime
    user_id: str


class DemoPerson(msgspec.Struct, frozen=True):
    """Who a newcomer may be in development."""

    email: str
    password: str


class Modes(msgspec.Struct, frozen=True):
    """How people sign in here. `demo` is set in development only."""

    mode: str
    environment: str
    demo: DemoPerson | None


class Tries:
    """So many tries a minute per key; the least recent keys are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self._burst = per_minute
        self._per_s = per_minute / 60
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Raises Refusal 429 when the key has used its tries."""
        now = time.monotonic()
        bucket = self._buckets.pop(key, None) or Bucket(per_s=self._per_s, burst=self._burst, now=now)
        self._buckets[key] = bucket
        if len(self._buckets) > _REMEMBERED_AT_MOST:
            self._buckets.popitem(last=False)
        if wait_s := bucket.take(now):
            raise Refusal(
                429, "too-fast", "too many tries; wait a moment", retry_after_ms=int(wait_s * 1000) + 1
            )

    def forget(self, key: str) -> None:
        """A success: its failures count no more."""
        self._buckets.pop(key, None)


def sign_in_routes(
    settings: Settings, tokens: Tokens, pool: asyncpg.Pool, *, demo: DemoPerson | None
) -> list[HTTPRouteHandler]:
    """GET /v1/auth/modes and, with local accounts, POST /v1/auth/sign-up and /v1/auth/sign-in."""
    by_address, by_account = Tries(_PER_ADDRESS), Tries(_PER_ACCOUNT)

    def signed(person_id: str, email: str) -> Signed:
        token = tokens.issue(person_id, email=email)
        return Signed(token, datetime.fromtimestamp(tokens.verify(token).expires_at, UTC), person_id)

    @get("/v1/auth/modes")
    async def modes() -> Modes:
        return Modes(settings.auth_mode, settings.env, demo)

    @post("/v1/auth/sign-up", status_code=201)
    async def sign_up(request: Request[Any, Any, Any], data: SignUp) -> Signed:
        by_address.take(_address(request))
        email = _email(data.email)
        hashed = await _hashed(data.password)
        person_id = str(uuid.uuid4())
        try:
            async with pool.acquire() as conn, conn.transaction():
                await users.insert_signed_up(
                    conn, person_id=person_id, email=email, display_name=_name(data.display_name)
                )
                await accounts.insert(conn, person_id=person_id, email=email, password_hash=hashed)
        except asyncpg.UniqueViolationError:
            raise Refusal(
                409, "taken", "this address has an account: sign in", field="email", rule="must be new"
            ) from None
        return signed(person_id, email)

    @post("/v1/auth/sign-in", status_code=200)
    async def sign_in(request: Request[Any, Any, Any], data: SignIn) -> Signed:
        by_address.take(_address(request))
        email = data.email.strip().lower()
        account_here = f"{_address(request)} {email[:320]}"
        by_account.take(account_here)
        account = await accounts.find(pool, email) if _EMAIL.fullmatch(email) else None
        if account is None:
            await passwords.burn()
        if account is None or not await passwords.verify_password(data.password, account.password_hash):
            raise Refusal(401, "wrong-sign-in", "the address or the password is not right")
        by_account.forget(account_here)
        await users.note_sign_in(pool, account.user_id)
        return signed(account.user_id, account.email)

    return [modes, sign_up, sign_in] if settings.auth_mode == "local" else [modes]


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else "local"


def _email(text: str) -> str:
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Refusal(
            400, "invalid", "this is not an e-mail address", field="email", rule="must be name@host"
        )
    return email


def _name(text: str | None) -> str | None:
    name = (text or "").replace("\x00", "").strip()
    if len(name) > 100:
        rule = "must be at most 100 characters"
        raise Refusal(400, "invalid", "this name is too long", field="display_name", rule=rule)
    return name or None


async def _hashed(password: str) -> str:
    try:
        return await passwords.hash_password(password)
    except passwords.PasswordRule as error:
        raise Refusal(400, "invalid", str(error), field=error.field, rule=error.rule) from None
