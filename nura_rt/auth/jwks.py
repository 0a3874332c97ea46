"""A project's public keys by name, fetched and cached. A token neither chooses the address nor makes us ask often."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from nura_rt.auth.tokens import PublicKey

_log = logging.getLogger(__name__)

FRESH_S = 300  # then they are fetched anew
STALE_S = 3_600  # so long they are used while fetching fails
ASK_AGAIN_S = 30  # an unknown name makes us fetch no more often than this
RETRY_S, RETRY_COLD_S = 30, 5  # after a failed fetch: with keys at hand, with none
TIMEOUT_S = 5
LARGEST_BYTES = 64 * 1024

_LONG_AGO = float("-inf")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ALGORITHMS: dict[str, Literal["ES256", "RS256"]] = {"EC": "ES256", "RSA": "RS256"}
_RSA_BITS = range(2_048, 8_193)
_Part = Annotated[str, msgspec.Meta(max_length=1_400)]  # 8192 bits in base64 and a little more


class KeysUnavailable(Exception):
    """The keys could not be fetched and none is at hand; the token may be good, try again."""


class Key(msgspec.Struct, frozen=True):
    """A public key and the one algorithm it is for."""

    algorithm: Literal["ES256", "RS256"]
    public: PublicKey


class _Document(msgspec.Struct):
    keys: list[Any]


class _Entry(msgspec.Struct):
    kid: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kty: Literal["EC", "RSA"]
    alg: Literal["ES256", "RS256"] | None = None
    use: Literal["sig"] | None = None
    key_ops: list[str] | None = None
    crv: str = ""
    x: _Part = ""
    y: _Part = ""
    n: _Part = ""
    e: _Part = ""


class Jwks:
    """The keys at one address, cached: five minutes, or an hour while it does not answer.

    One fetch at a time, whoever asks; while it runs, those whose key is at hand do not wait for it.
    `http` stays its owner's to close; `clock` gives seconds from any start.
    """

    def __init__(
        self, url: str, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = httpx.URL(url)
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._finished = 0  # fetches that ended, well or badly
        self._purged = 0
        self.purge()

    def purge(self) -> None:
        """Forgets all keys, also those on their way: the next token is checked against new ones."""
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = _LONG_AGO
        self._asked_at = _LONG_AGO
        self._retry_at = _LONG_AGO
        self._failed = False
        self._purged += 1

    async def find(self, kid: str) -> Key | None:
        """The key of that name, None where there is none. Raises KeysUnavailable where nobody can say."""
        finished = self._finished
        if self._is_due() and not (self._lock.locked() and kid in self._held()):
            await self._fetch(finished)
        if kid not in self._held() and self._fetched_at != _LONG_AGO:
            await self._fetch(finished, for_unknown=True)
        key = self._held().get(kid)
        if key is None and (self._failed or self._age() >= STALE_S):
            raise KeysUnavailable
        return key

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _held(self) -> Mapping[str, Key]:
        return self._keys if self._age() < STALE_S else {}

    def _is_due(self) -> bool:
        return self._age() >= FRESH_S and self._clock() >= self._retry_at

    async def _fetch(self, finished: int, *, for_unknown: bool = False) -> None:
        """Fetches, unless a fetch ended after the caller saw `finished` of them."""
        async with self._lock:
            if self._finished != finished:
                return
            if for_unknown:
                if self._clock() < self._asked_at + ASK_AGAIN_S:
                    return
                self._asked_at = self._clock()  # before the fetch: one that is cancelled counts too
            purged = self._purged
            try:
                keys = await self._download()
            except (
                KeysUnavailable,
                httpx.HTTPError,
                msgspec.MsgspecError,
                ValueError,
                RecursionError,
            ) as error:
                # the error's text may hold what the server said; its kind is enough
                _log.warning("jwks: the keys could not be fetched", extra={"kind": type(error).__name__})
                self._failed = True
                self._retry_at = self._clock() + (RETRY_S if self._held() else RETRY_COLD_S)
            else:
                if purged == self._purged:
                    self._keys, self._fetched_at, self._failed = keys, self._clock(), False
            self._finished += 1

    async def _download(self) -> dict[str, Key]:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                body = await self._body()
        except TimeoutError:
            raise KeysUnavailable from None
        found = [_read_key(entry) for entry in msgspec.json.decode(body, type=_Document).keys]
        return dict(pair for pair in reversed(found) if pair)  # of two with one name the first counts

    async def _body(self) -> bytearray:
        plain = {"accept": "application/json", "accept-encoding": "identity"}
        body = bytearray()
        async with self._http.stream(
            "GET", self._url, headers=plain, timeout=TIMEOUT_S, follow_redirects=False
        ) as answer:
            if answer.status_code != 200:
                raise KeysUnavailable
            async for chunk in answer.aiter_raw():  # raw: nothing unpacks into more than was sent
                body += chunk
                if len(body) > LARGEST_BYTES:
                    raise KeysUnavailable
        return body


def _read_key(item: object) -> tuple[str, Key] | None:
    """The name and key of one JWK; None for what is not a public ES256 or RS256 key for signatures."""
    if not isinstance(item, dict) or _PRIVATE & item.keys():
        return None
    try:
        entry = msgspec.convert(item, _Entry)
        if entry.key_ops is not None and "verify" not in entry.key_ops:
            return None
        public, algorithm = _public_key(entry), _ALGORITHMS[entry.kty]
    except (msgspec.ValidationError, jwt.PyJWTError, ValueError, TypeError):
        return None
    if public is None or entry.alg not in (None, algorithm):
        return None
    return entry.kid, Key(algorithm, public)


def _public_key(entry: _Entry) -> PublicKey | None:
    if entry.kty == "EC":
        parts = {"kty": "EC", "crv": "P-256", "x": entry.x, "y": entry.y}
        public = jwt.PyJWK(parts, "ES256").key if entry.crv == "P-256" else None
        return public if isinstance(public, EllipticCurvePublicKey) else None
    public = jwt.PyJWK({"kty": "RSA", "n": entry.n, "e": entry.e}, "RS256").key
    return public if isinstance(public, RSAPublicKey) and public.key_size in _RSA_BITS else None
