"""A token becomes a person the database knows: verified first, then seen."""

from typing import Literal

from nura_rt.auth.jwks import KeysUnavailable
from nura_rt.auth.sessions import Erased, Sessions
from nura_rt.auth.sightings import Beside, Busy
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.auth.verify import Verifier
from nura_rt.store.pool import UNAVAILABLE
from nura_rt.variables import Network


class SignInUnavailable(Exception):
    """Whether the token is good, or its session, cannot be known now; try again."""


class Barred(TokenError):
    """A good token that counts no more. `why`: its session was "revoked", or its person's "account_erased"."""

    def __init__(self, why: Literal["revoked", "account_erased"]) -> None:
        super().__init__("invalid")
        self.why = why


class Identify:
    """Call with a token; raises TokenError (Barred is one) or SignInUnavailable."""

    def __init__(self, verifier: Verifier, sessions: Sessions, *, trusted: tuple[Network, ...] = ()) -> None:
        self._verifier = verifier
        self._sessions = sessions
        self.trusted = trusted  # whose X-Forwarded-For is believed

    async def __call__(
        self,
        token: str,
        *,
        device: str | None = None,
        agent: str | None = None,
        address: str | None = None,
        beside: Beside | None = None,
    ) -> Identity:
        """Verifies and makes sure of the rows of the person and the session; `beside` as for Sessions.seen."""
        try:
            identity = await self._verifier.verify(token)
            counts = await self._sessions.seen(
                identity, device=device, agent=agent, address=address, beside=beside
            )
        except Erased:
            raise Barred("account_erased") from None
        except (KeysUnavailable, Busy, *UNAVAILABLE):
            raise SignInUnavailable from None
        if not counts:
            raise Barred("revoked")
        return identity
