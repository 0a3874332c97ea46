"""A small Supabase as far as tokens go: keys that sign, and a real HTTP server that publishes them.

Every request is counted when it comes in, so that a test can say how often it was asked.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PATH = "/auth/v1/.well-known/jwks.json"
SESSION = "2b1f9a70-0000-4000-8000-000000000001"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signing_input(claims: object, header: object) -> str:
    """The two parts that are signed; bytes are taken as they are."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    return ".".join(map(b64, parts))


def hs256(claims: object, secret: str | bytes, header: Mapping[str, Any] | None = None) -> str:
    """A token signed with any secret at all: an attacker uses no library that says no."""
    signed = signing_input(claims, {"alg": "HS256", "typ": "JWT", **(header or {})})
    key = secret if isinstance(secret, bytes) else secret.encode()
    return f"{signed}.{b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


class SigningKey:
    """A private key with a name. `jwk` is its public half as Supabase shows it."""

    def __init__(self, kid: str, private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        self.kid = kid
        self.private = private

    @classmethod
    def es256(cls, kid: str) -> "SigningKey":
        """A new P-256 key."""
        return cls(kid, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def rs256(cls, kid: str) -> "SigningKey":
        """An RSA key of 2048 bits; the same one in one test run, because making one is slow."""
        return cls(kid, _rsa())

    @property
    def algorithm(self) -> str:
        return "ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "RS256"

    @property
    def jwk(self) -> dict[str, Any]:
        shared = {"kid": self.kid, "alg": self.algorithm, "use": "sig", "key_ops": ["verify"], "ext": True}
        numbers = self.private.public_key().public_numbers()
        if isinstance(numbers, ec.EllipticCurvePublicNumbers):
            x, y = (b64(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
            return {**shared, "kty": "EC", "crv": "P-256", "x": x, "y": y}
        n, e = (b64(part.to_bytes((part.bit_length() + 7) // 8, "big")) for part in (numbers.n, numbers.e))
        return {**shared, "kty": "RSA", "n": n, "e": e}

    @property
    def pem(self) -> bytes:
        """The public key, as everybody may have it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def sign(self, claims: object, header: Mapping[str, Any] | None = None) -> str:
        """A token; `header` adds to or replaces `alg`, `kid` and `typ`."""
        signed = signing_input(
            claims, {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **(header or {})}
        )
        if isinstance(self.private, rsa.RSAPrivateKey):
            return f"{signed}.{b64(self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


class JwksServer:
    """Plays `{url}/auth/v1/.well-known/jwks.json` on loopback. A context manager; attributes may change while it runs.

    `status`, `headers` and `body` say what is answered where the published keys should not be;
    `delay_s` is waited before an answer, `gap_s` between its bytes.
    """

    def __init__(self, *keys: SigningKey) -> None:
        self.publish(*keys)
        self.fetches = 0
        self._asked = threading.Condition()
        self.status = 200
        self.headers: dict[str, str] = {}
        self.delay_s = 0.0
        self.gap_s = 0.0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What SUPABASE_URL would be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.url}/auth/v1"

    @property
    def keys_url(self) -> str:
        return f"{self.url}{PATH}"

    def publish(self, *keys: SigningKey) -> None:
        """From now on these keys and no others."""
        self.body = json.dumps({"keys": [key.jwk for key in keys]}).encode()

    async def asked(self, times: int) -> None:
        """Returns when that many requests have come in; their answers may still be on the way."""

        def wait() -> bool:
            with self._asked:
                return self._asked.wait_for(lambda: self.fetches >= times, timeout=10)

        assert await asyncio.to_thread(wait)

    def claims(self, sub: str, *, now: float | None = None, **changed: Any) -> dict[str, Any]:
        """What this Supabase would say of a person who has just signed in."""
        at = int(time.time() if now is None else now)
        return {
            "iss": self.issuer,
            "aud": "authenticated",
            "role": "authenticated",
            "sub": sub,
            "session_id": SESSION,
            "email": "ada@example.org",
            "phone": "",
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": at}],
            "is_anonymous": False,
            "iat": at,
            "exp": at + 3_600,
            **changed,
        }

    def stop(self) -> None:
        """An outage: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def start(self) -> None:
        """Listens, after an outage on the same port."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._answer(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.block_on_close = False
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> "JwksServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        with self._asked:
            self.fetches += 1
            self._asked.notify_all()
        status, body = (self.status, self.body) if request.path == PATH else (404, b"{}")
        time.sleep(self.delay_s)
        try:
            request.send_response(status)
            for name, value in {"Content-Type": "application/json", **self.headers}.items():
                request.send_header(name, value)
            request.end_headers()
            for start in range(0, len(body), 1 if self.gap_s else len(body)):
                request.wfile.write(body[start : start + 1] if self.gap_s else body)
                time.sleep(self.gap_s)
        except OSError:
            return  # the client has heard enough
