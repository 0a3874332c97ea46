"""Sign-ins: seen, listed and ended. PostgreSQL is the truth; memory and Redis only spare it questions.

A sighting is written at most once a minute per session; in between it is believed, unless it is known to have
ended. What ended on any instance is known here within a second, and believed is nothing while that is in doubt.
"""

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import asyncpg
import msgspec

from nura_rt.auth import sightings
from nura_rt.auth.address import prefix_of
from nura_rt.auth.device import device_named, device_of_agent
from nura_rt.auth.endings import BELIEVED_S, Endings, OnEnd
from nura_rt.auth.sightings import Beside
from nura_rt.auth.tokens import Identity
from nura_rt.cache.sessions import Copy, SessionCopies
from nura_rt.store import auth_sessions, users
from nura_rt.store import sessions as table
from nura_rt.store.pool import UNAVAILABLE, as_person
from nura_rt.store.sessions import Seen, SessionRow, Sighting

_log = logging.getLogger(__name__)

Reason = Literal["signed_out", "revoked", "reused", "password", "deleted"]

_ASK_EVERY_S = 1.0
_COMPARE_EVERY_S = 60.0
_ANSWER_WITHIN_S = 5.0
_REMEMBERED_AT_MOST = 20_000
_CLOCKS_APART_S = 5.0  # what instances' clocks may differ


class Erased(Exception):
    """The person's account is deactivated or deleted."""


class _Believed(msgspec.Struct, frozen=True):
    user_id: str
    until: float  # monotonic
    named: bool


class Sessions:
    """All sign-ins, as one instance sees them. Methods raise what asyncpg raises, except where they say otherwise."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        door: asyncpg.Pool,
        copies: SessionCopies,
        lifetime_s: float,
        watching: asyncpg.Pool | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pool` acts as nura_auth, `door` as nura_door; an unused local sign-in ends after `lifetime_s`.

        `watching`, as nura_auth, is the watch's own: a storm of sign-ins must not delay it.
        """
        self._pool = pool
        self._door = door
        self._copies = copies
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._monotonic = monotonic
        self._endings = Endings(watching or pool, monotonic=monotonic)
        self._believed: OrderedDict[str, _Believed] = OrderedDict()
        self._supabase: bool | None = None  # whether auth.sessions can be asked; not known yet

    async def begin(
        self, person_id: str, *, signed_in_at: datetime, device: str | None, address: str | None
    ) -> str:
        """A local sign-in; its session id, for the token."""
        session_id = str(uuid.uuid4())
        await table.insert(
            self._pool,
            session_id=session_id,
            person_id=person_id,
            device=device_named(device),
            ip_prefix=prefix_of(address) if address else None,
            signed_in_at=signed_in_at,
            expires_at=self._now() + timedelta(seconds=self._lifetime_s),
        )
        return session_id

    async def seen(
        self,
        identity: Identity,
        *,
        device: str | None = None,
        agent: str | None = None,
        address: str | None = None,
        beside: Beside | None = None,
    ) -> bool:
        """A valid token was shown. False when its session has ended or is another person's; raises Erased.

        `device` is what the client calls itself, `agent` its User-Agent. With `beside`, which keeps more in the same
        transaction, the sighting is written however lately it was.
        """
        if self._endings.reason_of(identity.session_id) == "deleted":
            raise Erased
        if self.is_ended(identity.session_id):
            return False
        name = device_named(device)
        if beside is None and self._endings.is_fresh and self._remembers(identity, named=name is not None):
            return True
        copy = await self._copies.read(identity.session_id)
        if (
            beside is None
            and self._endings.is_fresh
            and self._believes(identity, copy, named=name is not None)
        ):
            return not self.is_ended(identity.session_id)  # it may have ended while Redis was asked
        sighting = sightings.sighting_of(
            identity,
            device=name,
            agent=device_of_agent(agent),
            ip_prefix=prefix_of(address) if address else None,
        )
        return await self._write(identity, sighting, copy, beside)

    async def end(self, person_id: str, session_id: str, reason: Reason) -> bool:
        """Ends one everywhere; False when it is another person's, ended already or missing."""
        if not await table.end(self._pool, person_id, session_id, reason):
            return False
        await self._note_ended([session_id], reason)
        return True

    async def end_all(self, person_id: str, *, keep: str | None, reason: Reason) -> list[str]:
        """Ends all of the person's but `keep`; the ids of those."""
        ended = await table.end_all(self._pool, person_id, keep=keep, reason=reason)
        await self._note_ended(ended, reason)
        return ended

    async def list_of(self, person_id: str) -> list[SessionRow]:
        """The person's sessions that count now, the last seen first."""
        return await table.list_of(self._pool, person_id)

    async def preferences_changed(self, person_id: str) -> None:
        """The person's privacy settings are new: copies of the old ones go."""
        await self._copies.forget([session.id for session in await self.list_of(person_id)])

    def is_ended(self, session_id: str) -> bool:
        """Whether it is known here to have ended lately. No I/O."""
        return self._endings.reason_of(session_id) is not None

    def reason_of(self, session_id: str) -> str | None:
        """Why it ended, if it ended lately. No I/O."""
        return self._endings.reason_of(session_id)

    def on_end(self, session_id: str, callback: OnEnd) -> None:
        """Calls back with the reason when it ends. Look at `reason_of` afterwards: it may have ended before."""
        self._endings.on_end(session_id, callback)

    def off(self, session_id: str, callback: OnEnd) -> None:
        """No more."""
        self._endings.off(session_id, callback)

    async def watch_for_ever(self) -> None:
        """Hears within a second what ended elsewhere; once a minute asks who of our sockets may stay."""
        compared_at = self._monotonic()
        well = True
        while True:
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    await self._endings.ask()
                    if self._monotonic() - compared_at >= _COMPARE_EVERY_S:
                        await self.compare()
                        compared_at = self._monotonic()
                well = True
            except UNAVAILABLE:
                if well:
                    _log.warning("sessions: the database does not answer; each sign-in waits for it")
                well = False
            except Exception:  # a defect here may delay an ending, never end the instance
                _log.exception("watching sessions failed")
            await asyncio.sleep(_ASK_EVERY_S)

    async def ask(self) -> None:
        """Hears now what ended elsewhere."""
        await self._endings.ask()

    async def compare(self) -> None:
        """Ends those of our sockets' sessions whose person may not be here, or that Supabase has ended."""
        listened = self._endings.listened
        if listened:
            await self._note_ended(await table.end_barred(self._pool, listened), "deleted")
        if listened and await self._has_supabase():
            await self._note_ended(await auth_sessions.end_vanished(self._pool, listened), "signed_out")

    async def _write(
        self, identity: Identity, sighting: Sighting, old: Copy | None, beside: Beside | None
    ) -> bool:
        session_id = identity.session_id
        if await self._is_signed_out(identity):
            return False
        seen = await sightings.keep(self._pool, sighting, beside)
        if seen.barred:
            raise Erased
        if not seen.live:
            return False
        self._believe(session_id, identity.user_id, for_s=BELIEVED_S, named=sighting.device is not None)
        await self._copy(identity, sighting, seen, old)
        return not self.is_ended(session_id)  # it may have ended since it was written

    async def _is_signed_out(self, identity: Identity) -> bool:
        if identity.source != "supabase" or not await self._has_supabase():
            return False
        if await auth_sessions.has(self._pool, identity.session_id, identity.user_id):
            return False
        ended = await auth_sessions.end_vanished(self._pool, [identity.session_id])
        await self._note_ended(ended, "signed_out")
        return True

    async def _has_supabase(self) -> bool:
        if self._supabase is None:
            self._supabase = await auth_sessions.readable(self._pool)
        return self._supabase

    async def _copy(self, identity: Identity, sighting: Sighting, seen: Seen, old: Copy | None) -> None:
        assert seen.signed_in_at is not None
        assert seen.expires_at is not None
        preferences = old.preferences if old is not None else None
        if preferences is None and self._copies.reachable:
            async with as_person(self._door, identity.user_id) as conn:
                preferences = await users.privacy_settings(conn, identity.user_id)
        copy = Copy(
            user_id=identity.user_id,
            source=identity.source,
            signed_in_at=seen.signed_in_at.timestamp(),
            expires_at=seen.expires_at.timestamp(),
            last_seen=self._clock(),
            device=seen.device,
            named=sighting.device is not None or (old is not None and old.named),
            ip_prefix=seen.ip_prefix,
            preferences=preferences,
        )
        await self._copies.write(identity.session_id, copy)

    def _remembers(self, identity: Identity, *, named: bool) -> bool:
        known = self._believed.get(identity.session_id)
        return (
            known is not None
            and known.user_id == identity.user_id
            and known.until > self._monotonic()
            and (known.named or not named)
        )

    def _believes(self, identity: Identity, copy: Copy | None, *, named: bool) -> bool:
        """Whether another instance wrote this sighting down less than a minute ago."""
        if copy is None or copy.state != "active" or copy.user_id != identity.user_id:
            return False
        age_s = self._clock() - copy.last_seen
        if not -_CLOCKS_APART_S <= age_s < BELIEVED_S or (named and not copy.named):
            return False
        self._believe(identity.session_id, copy.user_id, for_s=BELIEVED_S - max(0.0, age_s), named=copy.named)
        return True

    def _believe(self, session_id: str, user_id: str, *, for_s: float, named: bool) -> None:
        known = self._believed.pop(session_id, None)
        named = named or (known is not None and known.named)
        self._believed[session_id] = _Believed(user_id, self._monotonic() + for_s, named)
        if len(self._believed) > _REMEMBERED_AT_MOST:
            self._believed.popitem(last=False)

    async def _note_ended(self, session_ids: list[str], reason: Reason) -> None:
        for session_id in session_ids:
            self._believed.pop(session_id, None)
        self._endings.note((session_id, reason) for session_id in session_ids)
        await self._copies.end(session_ids)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
