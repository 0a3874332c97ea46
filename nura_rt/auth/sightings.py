"""A verified token, written down: the person's row and the session's, in one statement.

A proved e-mail address leaves the row of who had it before. One that nobody proved is taken from nobody.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import msgspec

from nura_rt.auth.tokens import Identity
from nura_rt.store import sessions, users
from nura_rt.store.pool import Executor
from nura_rt.store.sessions import Seen, Sighting

NO_EMAIL = "@no-email.invalid"  # never mailed

Beside = Callable[[Executor, Sighting], Awaitable[None]]  # keeps more in the commit of a sighting


class Busy(Exception):
    """Somebody else changed the same rows in the same moment; try again."""


def sighting_of(
    identity: Identity, *, device: str | None, agent: str | None, ip_prefix: str | None
) -> Sighting:
    """What the identity says, in the words of the tables."""
    email = identity.email.lower() if identity.email else None
    if email and email.endswith(NO_EMAIL):  # ours to give
        email = None
    return Sighting(
        session_id=identity.session_id,
        person_id=identity.user_id,
        source=identity.source,
        email=email,
        phone=identity.phone,
        email_confirmed_at=_moment(identity.email_confirmed_at),
        phone_confirmed_at=_moment(identity.phone_confirmed_at),
        signed_in_at=_moment(identity.signed_in_at),
        issued_at=datetime.fromtimestamp(identity.issued_at, UTC),
        expires_at=datetime.fromtimestamp(identity.expires_at, UTC),
        device=device,
        agent=agent,
        ip_prefix=ip_prefix,
    )


async def keep(pool: asyncpg.Pool, sighting: Sighting, beside: Beside | None = None) -> Seen:
    """One round trip, unless the address was another person's. Raises Busy, and what asyncpg raises.

    `beside` keeps what belongs to it in the same transaction, if the session counts.
    """
    try:
        return await _seen(pool, sighting, beside)
    except asyncpg.DeadlockDetectedError:
        raise Busy from None
    except asyncpg.UniqueViolationError:
        pass
    try:
        if sighting.email_confirmed_at is None:  # anybody may claim an address
            return await _seen(pool, msgspec.structs.replace(sighting, email=None), beside)
        async with pool.acquire() as conn, conn.transaction():
            freed = await users.free_email(conn, sighting.email or "", for_person=sighting.person_id)
            seen = await sessions.seen(conn, sighting)
            if beside is not None and seen.live:
                await beside(conn, sighting)
            for person_id in freed:
                await users.note_email_moved(conn, person_id)
            return seen
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
        raise Busy from None


async def _seen(pool: asyncpg.Pool, sighting: Sighting, beside: Beside | None) -> Seen:
    if beside is None:
        return await sessions.seen(pool, sighting)
    async with pool.acquire() as conn, conn.transaction():
        seen = await sessions.seen(conn, sighting)
        if seen.live:
            await beside(conn, sighting)
        return seen


def _moment(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
