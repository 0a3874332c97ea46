"""Who may say who somebody is: one verifier per kind of key. The key decides the algorithm, never the token."""

import time
from collections.abc import Callable
from typing import Protocol

import httpx

from nura_rt.auth.jwks import Jwks, Key, KeysUnavailable
from nura_rt.auth.tokens import (
    Identity,
    Source,
    TokenError,
    Tokens,
    is_supabase,
    key_id,
    read_identity,
    require_strong,
)
from nura_rt.settings import Settings, SettingsError

Clock = Callable[[], float]


class Verifier(Protocol):
    """Tells whose a token is."""

    async def verify(self, token: str) -> Identity:
        """Raises TokenError for a token that is refused, KeysUnavailable where that cannot be known now."""

    def purge(self) -> None:
        """Forgets fetched keys (after an urgent revocation); nothing where there are none."""


class LocalTokens:
    """Tokens made here; with `supabase_too` also those a Supabase with our secret would make."""

    def __init__(self, tokens: Tokens, *, supabase_too: bool) -> None:
        self._tokens = tokens
        self._supabase_too = supabase_too

    async def verify(self, token: str) -> Identity:
        """Raises TokenError."""
        return self._tokens.verify(token, supabase_too=self._supabase_too)

    def purge(self) -> None:
        """Nothing is fetched here."""


class LegacyHS256:
    """Supabase's shared secret, for projects that still sign with it. ValueError for a weak secret.

    `issuer` is the only one accepted; None accepts any https://…/auth/v1.
    """

    def __init__(self, secret: str, *, issuer: str | None, clock: Clock = time.time) -> None:
        require_strong(secret)
        self._secret = secret
        self._issuer = issuer
        self._clock = clock

    async def verify(self, token: str) -> Identity:
        """Raises TokenError."""
        return read_identity(token, self._secret, "HS256", source_of=self._source_of, now=self._clock())

    def purge(self) -> None:
        """Nothing is fetched here."""

    def _source_of(self, issuer: str) -> Source | None:
        known = is_supabase(issuer) if self._issuer is None else issuer == self._issuer
        return "supabase" if known else None


class Asymmetric:
    """Supabase's signing keys (ES256, RS256), found by the token's `kid` in `jwks` and nowhere else."""

    def __init__(self, jwks: Jwks, *, issuer: str, clock: Clock = time.time) -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._clock = clock

    async def verify(self, token: str) -> Identity:
        """Raises TokenError or KeysUnavailable."""
        key = await self.key_of(token)
        if key is None:
            raise TokenError("invalid")
        return self.verify_with(key, token)

    async def key_of(self, token: str) -> Key | None:
        """The project's key the token names, if there is one. Raises TokenError or KeysUnavailable."""
        kid = key_id(token)
        return await self._jwks.find(kid) if kid else None

    def verify_with(self, key: Key, token: str) -> Identity:
        """Raises TokenError."""
        return read_identity(token, key.public, key.algorithm, source_of=self._source_of, now=self._clock())

    def purge(self) -> None:
        """The next token waits for newly fetched keys."""
        self._jwks.purge()

    def _source_of(self, issuer: str) -> Source | None:
        return "supabase" if issuer == self._issuer else None


class Migrating:
    """A project on its way from the shared secret to signing keys: both count.

    A name that the project's keys have means that key; the secret is tried only without one.
    """

    def __init__(self, asymmetric: Asymmetric, legacy: LegacyHS256) -> None:
        self._asymmetric = asymmetric
        self._legacy = legacy

    async def verify(self, token: str) -> Identity:
        """Raises TokenError, or KeysUnavailable for what the secret did not sign while keys are missing."""
        try:
            key = await self._asymmetric.key_of(token)
        except KeysUnavailable:
            try:
                return await self._legacy.verify(token)
            except TokenError as error:
                if error.slug == "expired":
                    raise
            raise
        return await self._legacy.verify(token) if key is None else self._asymmetric.verify_with(key, token)

    def purge(self) -> None:
        """The next token waits for newly fetched keys."""
        self._asymmetric.purge()


def verifier(settings: Settings, tokens: Tokens | None, http: httpx.AsyncClient | None) -> Verifier:
    """The one way tokens are checked under `settings`; `tokens` for AUTH_MODE=local, `http` for a SUPABASE_URL.

    Raises SettingsError for a secret that everybody may know, ValueError where a needed part is None.
    """
    if settings.auth_mode == "local":
        if tokens is None:
            raise ValueError("local accounts need tokens")
        return LocalTokens(tokens, supabase_too=settings.supabase_url is None)
    issuer = f"{settings.supabase_url}/auth/v1" if settings.supabase_url else None
    legacy = _legacy(settings.jwt_secret, issuer) if settings.jwt_secret else None
    if issuer is None:
        if legacy is None:
            raise SettingsError("SUPABASE_URL", "must be set with AUTH_MODE=supabase")
        return legacy
    if http is None:
        raise ValueError("a project's keys need an HTTP client")
    asymmetric = Asymmetric(Jwks(f"{issuer}/.well-known/jwks.json", http), issuer=issuer)
    return Migrating(asymmetric, legacy) if legacy else asymmetric


def _legacy(secret: str, issuer: str | None) -> LegacyHS256:
    try:
        return LegacyHS256(secret, issuer=issuer)
    except ValueError:
        raise SettingsError("SUPABASE_JWT_SECRET", "must be a secret, not a public key") from None
