"""Secrets sent to an address or a number, which prove it when they come back. Only digests of them are stored."""

import hashlib
import hmac
import secrets
import uuid
from typing import Literal

import asyncpg

from nura_rt.auth import refresh
from nura_rt.auth.keys import derived
from nura_rt.people.tries import too_fast
from nura_rt.store import verifications
from nura_rt.store.pool import Executor
from nura_rt.store.verifications import Proved

Purpose = Literal["email", "password"]

_TTL_S = {"email": 24 * 3_600, "password": 3_600}
_CODE_TTL_S = 600
_AN_HOUR_AT_MOST = 5  # letters of one kind for one person, on all instances together
_WAIT_MS = 600_000


class Proofs:
    """Makes secrets and takes them back, each once."""

    def __init__(self, pool: asyncpg.Pool, secret: str) -> None:
        self._pool = pool
        self._key = derived(secret, "phone codes")

    async def new_token(
        self, person_id: str, purpose: Purpose, target: str, *, conn: Executor | None = None
    ) -> str:
        """A token for a link to `target`. Raises Refusal 429 after five within an hour.

        `conn`: of a transaction that the token is to be part of; else it is one of its own.
        """
        if conn is None:
            async with self._pool.acquire() as own, own.transaction():
                return await self.new_token(person_id, purpose, target, conn=own)
        await _require_few(conn, person_id, purpose)
        token = refresh.first()
        await verifications.insert(
            conn,
            verification_id=str(uuid.uuid4()),
            person_id=person_id,
            purpose=purpose,
            target=target,
            secret_hash=refresh.digest(token),
            ttl_s=_TTL_S[purpose],
        )
        return token

    async def peek(self, token: str, purpose: Purpose) -> Proved | None:
        """Whose token it is, while it is good; it can still be used."""
        if not refresh.is_token(token):
            return None
        return await verifications.find(self._pool, refresh.digest(token), purpose)

    async def take(self, conn: Executor, token: str, purpose: Purpose) -> Proved | None:
        """Whose token it is, and it is used up if the transaction commits."""
        if not refresh.is_token(token):
            return None
        return await verifications.use(conn, refresh.digest(token), purpose)

    async def new_code(self, person_id: str, phone: str) -> str:
        """Six digits for an SMS; earlier ones are void. Raises Refusal 429 after five within an hour."""
        verification_id, code = str(uuid.uuid4()), f"{secrets.randbelow(1_000_000):06d}"
        async with self._pool.acquire() as conn, conn.transaction():
            await _require_few(conn, person_id, "phone")
            await verifications.insert(
                conn,
                verification_id=verification_id,
                person_id=person_id,
                purpose="phone",
                target=phone,
                secret_hash=self._digest(verification_id, code),
                ttl_s=_CODE_TTL_S,
            )
        return code

    async def guess_code(self, person_id: str, code: str) -> bytes | None:
        """What `take_code` wants of a right code; None when it is wrong, old, or guessed five times already."""
        attempt = await verifications.spend_try(self._pool, person_id)  # spent before it is compared
        if attempt is None:
            return None
        digest = self._digest(attempt.id, "".join(code[:32].split()))
        if not hmac.compare_digest(digest, attempt.secret_hash):
            return None
        return attempt.secret_hash

    async def take_code(self, conn: Executor, guessed: bytes) -> str | None:
        """The number it proves, and it is used up if the transaction commits; None when it was used or withdrawn."""
        used = await verifications.use(conn, guessed, "phone")
        return used.target if used else None

    def _digest(self, verification_id: str, code: str) -> bytes:
        """A million codes are soon tried, so the digest needs the server's key; the row's id is the salt."""
        words = f"{verification_id}|{code}".encode("utf-8", "replace")
        return hmac.digest(self._key, words, hashlib.sha256)


async def _require_few(conn: Executor, person_id: str, purpose: str) -> None:
    await verifications.take_turn(conn, person_id, purpose)  # who asks at once is counted one after the other
    if await verifications.count_lately(conn, person_id, purpose) >= _AN_HOUR_AT_MOST:
        raise too_fast(_WAIT_MS)
