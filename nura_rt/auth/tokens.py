"""Signed tokens in, identities out. A token that is not exactly one of ours or Supabase's is refused."""

import math
import time
from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID, uuid4

import jwt
import msgspec

AUDIENCE = "authenticated"
LEEWAY_S = 10
LONGEST_TOKEN = 8_192  # bytes; real ones are below 2 KiB

SessionId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,128}\Z")]


class TokenError(Exception):
    """The token is refused. `slug` says why: a good one that has "expired", or anything else "invalid"."""

    def __init__(self, slug: Literal["expired", "invalid"]) -> None:
        super().__init__(slug)
        self.slug = slug


class Identity(msgspec.Struct, frozen=True):
    """Who a verified token speaks for. `user_id` is a canonical UUID, `expires_at` in epoch seconds."""

    user_id: str
    session_id: str
    email: str | None
    expires_at: float


class _Claims(msgspec.Struct):
    """What a token must say. Other claims (user_metadata is the person's to write) are not even read."""

    sub: str
    session_id: SessionId
    role: Literal["authenticated"]
    iss: str
    iat: float
    exp: float
    nbf: float = 0.0
    email: str | None = None


class Tokens:
    """Makes and checks HS256 tokens with one secret of at least 32 bytes; ValueError for a weaker one."""

    def __init__(
        self, secret: str, *, issuer: str = "nura-rt", ttl_s: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._issuer = issuer
        self._ttl_s = ttl_s
        self._clock = clock
        self._jwt = jwt.PyJWT({"enforce_minimum_key_length": True})
        try:
            self._jwt.encode({}, secret, "HS256")
        except (jwt.PyJWTError, ValueError):
            raise ValueError("the secret must have 32 bytes or more and not be a public key") from None

    def issue(self, user_id: str, *, email: str | None = None) -> str:
        """A token for one new session of `user_id` (a UUID); it lives `ttl_s` seconds."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "role": "authenticated",
            "sub": str(UUID(user_id)),
            "session_id": str(uuid4()),
            "iat": now,
            "exp": now + self._ttl_s,
        }
        return self._jwt.encode(
            claims if email is None else {**claims, "email": email}, self._secret, "HS256"
        )

    def verify(self, token: str) -> Identity:
        """Whose token it is; TokenError("expired") only when all but its time is right, else "invalid"."""
        claims = self._read(token)
        now = self._clock()
        if not self._is_known_issuer(claims.iss) or not _is_uuid(claims.sub):
            raise TokenError("invalid")
        times = (claims.iat, claims.nbf, claims.exp)
        if not all(map(math.isfinite, times)) or max(claims.iat, claims.nbf) > now + LEEWAY_S:
            raise TokenError("invalid")
        if claims.exp <= now - LEEWAY_S:
            raise TokenError("expired")
        return Identity(claims.sub, claims.session_id, claims.email or None, claims.exp)

    def _read(self, token: str) -> _Claims:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenError("invalid")
        # times are checked in verify, against this object's clock
        options: jwt.types.Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            payload = self._jwt.decode(
                token, self._secret, algorithms=["HS256"], audience=AUDIENCE, options=options
            )
            return msgspec.convert(payload, _Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError, RecursionError):
            # RecursionError: the header is JSON that is parsed before the signature is checked
            raise TokenError("invalid") from None

    def _is_known_issuer(self, issuer: str) -> bool:
        return issuer == self._issuer or (issuer.startswith("https://") and issuer.endswith("/auth/v1"))


def _is_uuid(text: str) -> bool:
    """Canonical only: two spellings of one id would be two people to a query."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
