"""Signed tokens in, identities out. A token that is not exactly one of ours or Supabase's is refused."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

AUDIENCE = "authenticated"
LEEWAY_S = 10
LONGEST_TOKEN = 8_192  # bytes; real ones are below 2 KiB
_LAST_SECOND = 253_402_300_799  # of the year 9999; a later time is no date

Algorithm = Literal["HS256", "ES256", "RS256"]
Source = Literal["local", "supabase"]
SourceOf = Callable[[str], Source | None]
PublicKey = EllipticCurvePublicKey | RSAPublicKey
SessionId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,128}\Z")]

# PyJWT forgives padding; one token has one spelling here.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL has no text for these
_JWS = jwt.PyJWS(options={"verify_signature": True, "enforce_minimum_key_length": True})


class TokenError(Exception):
    """The token is refused. `slug` says why: a good one that has "expired", or anything else "invalid"."""

    def __init__(self, slug: Literal["expired", "invalid"]) -> None:
        super().__init__(slug)
        self.slug = slug


class Identity(msgspec.Struct, frozen=True):
    """Who a verified token speaks for. `user_id` is a canonical UUID; times are epoch seconds.

    `signed_in_at` is when the person last proved who they are, None where the token does not say.
    """

    user_id: str
    session_id: str
    email: str | None
    expires_at: float
    issued_at: float = 0.0
    phone: str | None = None
    signed_in_at: float | None = None
    email_confirmed_at: float | None = None
    phone_confirmed_at: float | None = None
    source: Source = "local"

    def __repr__(self) -> str:
        return f"Identity(user_id={self.user_id!r}, ...)"  # a traceback must not print an address


class _Claims(msgspec.Struct):
    """What a token must say. Other claims (user_metadata is the person's to write) are not even read."""

    sub: str
    session_id: SessionId
    role: Literal["authenticated"]
    aud: Literal["authenticated"] | tuple[Literal["authenticated"]]
    iss: str
    iat: float
    exp: float
    nbf: float = 0.0
    email: str | None = None
    phone: str | None = None
    email_confirmed_at: float | str | None = None
    phone_confirmed_at: float | str | None = None
    amr: Any = None


class Tokens:
    """Makes and checks HS256 tokens with one secret of at least 32 bytes; ValueError for a weaker one."""

    def __init__(
        self, secret: str, *, issuer: str = "nura-rt", ttl_s: int, clock: Callable[[], float] = time.time
    ) -> None:
        require_strong(secret)
        self._secret = secret
        self._issuer = issuer
        self._ttl_s = ttl_s
        self._clock = clock

    def issue(
        self,
        user_id: str,
        *,
        email: str | None = None,
        session_id: str | None = None,
        signed_in_at: float | None = None,
    ) -> str:
        """A token for a session (a new one unless named) of `user_id`, a UUID; it lives `ttl_s` seconds.

        `signed_in_at`, in epoch seconds, is when the password was last given; it goes into `amr`.
        """
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "role": "authenticated",
            "sub": str(UUID(user_id)),
            "session_id": session_id or str(uuid4()),
            "iat": now,
            "exp": now + self._ttl_s,
        }
        if email is not None:
            claims["email"] = email
        if signed_in_at is not None:
            claims["amr"] = [{"method": "password", "timestamp": int(signed_in_at)}]
        return _JWS.encode(msgspec.json.encode(claims), self._secret, "HS256")

    def verify(self, token: str, *, supabase_too: bool = False) -> Identity:
        """Whose token it is, made here or, with `supabase_too`, by any Supabase with the same secret.

        Raises TokenError: "expired" only when all but its time is right, else "invalid".
        """

        def source_of(issuer: str) -> Source | None:
            if issuer == self._issuer:
                return "local"
            return "supabase" if supabase_too and is_supabase(issuer) else None

        return read_identity(token, self._secret, "HS256", source_of=source_of, now=self._clock())


def require_strong(secret: str) -> None:
    """Raises ValueError for a secret that is short, or is a key everybody may know (a PEM, a JWK)."""
    try:
        _JWS.encode(b"{}", secret, "HS256")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise ValueError("the secret must have 32 bytes or more and not be a public key") from None


def is_supabase(issuer: str) -> bool:
    """Is it the issuer of some Supabase project: https://…/auth/v1."""
    return issuer.startswith("https://") and issuer.endswith("/auth/v1")


def key_id(token: str) -> str | None:
    """The `kid` in the token's header: who to ask, nothing to believe. Raises TokenError("invalid")."""
    _require_compact(token)
    try:
        kid = _JWS.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenError("invalid") from None
    return kid if isinstance(kid, str) else None


def read_identity(
    token: str, key: str | PublicKey, algorithm: Algorithm, *, source_of: SourceOf, now: float
) -> Identity:
    """Every check there is, for every kind of token: signature, header, claims, then time.

    `algorithm` belongs to `key` and never comes from the token; `source_of` gives None for an issuer that
    is not known. Raises TokenError, nothing else.
    """
    claims = _read_claims(token, key, algorithm)
    source = source_of(claims.iss)
    if source is None or not _is_uuid(claims.sub):
        raise TokenError("invalid")
    if not all(map(_is_time, (claims.iat, claims.nbf, claims.exp))):
        raise TokenError("invalid")
    if max(claims.iat, claims.nbf) > now + LEEWAY_S:
        raise TokenError("invalid")
    if claims.exp <= now - LEEWAY_S:
        raise TokenError("expired")
    return Identity(
        claims.sub,
        claims.session_id,
        _address(claims.email),
        claims.exp,
        issued_at=claims.iat,
        phone=_address(claims.phone),
        signed_in_at=_newest_sign_in(claims.amr, until=now + LEEWAY_S),
        email_confirmed_at=_moment(claims.email_confirmed_at),
        phone_confirmed_at=_moment(claims.phone_confirmed_at),
        source=source,
    )


def _read_claims(token: str, key: str | PublicKey, algorithm: Algorithm) -> _Claims:
    _require_compact(token)
    try:
        decoded = _JWS.decode_complete(token, key, algorithms=[algorithm])
        if decoded["header"].keys() & {"crit", "b64"}:  # asks for rules we do not have
            raise TokenError("invalid")
        return msgspec.json.decode(decoded["payload"], type=_Claims)
    except (jwt.PyJWTError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        # RecursionError: the header is JSON that is parsed before the signature is checked
        raise TokenError("invalid") from None


def _require_compact(token: str) -> None:
    if len(token) > LONGEST_TOKEN or _COMPACT.fullmatch(token) is None:
        raise TokenError("invalid")


def _is_uuid(text: str) -> bool:
    """Canonical only: two spellings of one id would be two people to a query."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_time(value: float) -> bool:
    return 0 <= value <= _LAST_SECOND  # neither NaN nor infinite


def _address(text: str | None) -> str | None:
    return text if text and len(text) <= 320 and not _UNSTORABLE.search(text) else None


def _moment(value: float | str | None) -> float | None:
    """Epoch seconds of a number or an ISO 8601 text; None (not confirmed) for what cannot be read."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return value if value is not None and _is_time(value) else None


def _newest_sign_in(amr: Any, *, until: float) -> float | None:
    """The newest `timestamp` in `amr`. A refresh is no sign-in, and the future is no proof."""
    newest = None
    for entry in amr if isinstance(amr, list) else []:
        if isinstance(entry, dict) and entry.get("method") != "token_refresh":
            at: Any = entry.get("timestamp")
            if type(at) in (int, float) and 0 <= at <= until:
                newest = max(float(at), newest or 0.0)
    return newest
