"""Signed in, kept so, signed out: an access token, and a refresh token that works once.

The database decides about a refresh token in one transaction, so two instances cannot both follow it.
"""

from datetime import UTC, datetime

import asyncpg

from nura_rt.auth import refresh
from nura_rt.auth.refresh import Succession
from nura_rt.auth.sessions import Sessions
from nura_rt.auth.tokens import Tokens
from nura_rt.people.forms import Signed
from nura_rt.protocol.problem import Refusal
from nura_rt.store import accounts, refresh_tokens, sessions, users
from nura_rt.store.accounts import Account
from nura_rt.store.pool import Executor
from nura_rt.store.refresh_tokens import LockedSession


class Signing:
    """Begins and continues local sign-ins. A refresh token lives `ttl_s` seconds from its making."""

    def __init__(
        self, pool: asyncpg.Pool, tokens: Tokens, sessions: Sessions, succession: Succession, *, ttl_s: int
    ) -> None:
        self._pool = pool
        self._tokens = tokens
        self._sessions = sessions
        self._succession = succession
        self._ttl_s = ttl_s

    async def begin(self, account: Account, *, device: str | None, address: str | None) -> Signed:
        """A session for somebody who has just proved the account's password.

        Raises Refusal 401 when that password was changed while this went on.
        """
        now = datetime.now(UTC)
        session_id = await self._sessions.begin(
            account.user_id, signed_in_at=now, device=device, address=address
        )
        token = refresh.first()
        async with self._pool.acquire() as conn, conn.transaction():
            # a change of the password ends the sessions it finds: it finds this one, or is found here
            same = await accounts.still_has(conn, account)
            if same:
                await refresh_tokens.insert(
                    conn,
                    refresh.digest(token),
                    session_id=session_id,
                    person_id=account.user_id,
                    ttl_s=self._ttl_s,
                )
                await users.note_sign_in(conn, account.user_id)
        if not same:
            await self._sessions.end(account.user_id, session_id, "password")
            raise wrong_sign_in()
        return self._signed(account.user_id, account.email, session_id, now, token)

    async def refresh(self, token: str, attempt: str | None) -> Signed:
        """The next tokens of a session. Raises Refusal 401 when it cannot go on; a stolen token ends it.

        `attempt`: what the client names this one; the same token with the same name gets the same answer.
        """
        if not refresh.is_token(token):
            raise _ended()
        successor = self._succession.after(token)
        async with self._pool.acquire() as conn, conn.transaction():
            session = await self._follow(conn, token, successor, attempt)
        if session is None:  # decided and committed: only now is it said
            raise _ended()
        return self._signed(
            session.user_id, session.email, session.session_id, session.signed_in_at, successor
        )

    async def _follow(
        self, conn: Executor, token: str, successor: str, attempt: str | None
    ) -> LockedSession | None:
        """The session that goes on with `successor`, or None. Must be committed either way."""
        shown, following = refresh.digest(token), refresh.digest(successor)
        named = refresh.digest(attempt) if attempt else None
        session = await refresh_tokens.lock_session(conn, shown)
        if session is None:
            return None
        state = await refresh_tokens.state_of(conn, shown, successor_hash=following, attempt_digest=named)
        match refresh.decide(state, session_live=session.live):
            case "rotate":
                await refresh_tokens.use(conn, shown, attempt_digest=named)
                await refresh_tokens.insert(
                    conn,
                    following,
                    session_id=session.session_id,
                    person_id=session.user_id,
                    ttl_s=self._ttl_s,
                )
                return session
            case "repeat":
                return session
            case "kill":
                await sessions.end(conn, session.user_id, session.session_id, "reused")
        return None

    def _signed(
        self, person_id: str, email: str | None, session_id: str, signed_in_at: datetime, refresh_token: str
    ) -> Signed:
        token = self._tokens.issue(
            person_id, email=email, session_id=session_id, signed_in_at=signed_in_at.timestamp()
        )
        expires_at = datetime.fromtimestamp(self._tokens.verify(token).expires_at, UTC)
        return Signed(token, refresh_token, expires_at, person_id)


def wrong_sign_in() -> Refusal:
    """The one answer to an unknown address, a wrong password and an account that may not be used."""
    return Refusal(401, "wrong-sign-in", "the address or the password is not right")


def _ended() -> Refusal:
    return Refusal(
        401,
        "sign-in-ended",
        "this sign-in has ended: sign in again",
        field="refresh_token",
        rule="must be the newest one",
    )
