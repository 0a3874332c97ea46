"""Before the handshake: who may open a socket here and now. A refusal is an HTTP answer, and nothing is kept of it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from nura_rt.auth.address import address_of
from nura_rt.protocol.problem import MEDIA_TYPE, Problem, Refusal
from nura_rt.realtime.doorstep import Doorstep, Visit
from nura_rt.variables import Network

SUBPROTOCOL = "nura.v1"
WITH_MINOR = "nura.v1.1"  # offered beside it, chosen where known: so a client knows what `hello` may hold

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Gate:
    """`draining` is asked at each handshake."""

    def __init__(
        self,
        doorstep: Doorstep,
        *,
        allowed_origins: tuple[str, ...],
        trusted_proxies: tuple[Network, ...],
        draining: Callable[[], bool],
    ) -> None:
        self._doorstep = doorstep
        self._allowed_origins = allowed_origins
        self._trusted_proxies = trusted_proxies
        self._draining = draining

    def enter(self, scope: Any) -> Visit:
        """Raises Refusal: another protocol, a foreign page, an instance that leaves, too many of one address."""
        if scope["type"] != "websocket":
            sentence = "this address speaks WebSocket; connect with the subprotocol nura.v1"
            raise Refusal(426, "upgrade-required", sentence)
        origin = header(scope, b"origin")
        if origin is not None and origin not in self._allowed_origins:
            sentence = "this origin may not connect; ALLOWED_ORIGINS lists those that may"
            raise Refusal(403, "foreign-origin", sentence)
        if SUBPROTOCOL not in scope["subprotocols"]:
            raise Refusal(400, "no-subprotocol", "the subprotocol must be nura.v1")
        if self._draining():
            sentence = "this instance is leaving; connect again, another one answers"
            raise Refusal(503, "draining", sentence, retry_after_ms=1000)
        return self._doorstep.enter(address_of(scope, self._trusted_proxies), time.monotonic())


def spoken(scope: Any) -> str:
    """The subprotocol to answer with."""
    return WITH_MINOR if WITH_MINOR in scope["subprotocols"] else SUBPROTOCOL


def header(scope: Any, wanted: bytes) -> str | None:
    """The value of a header, its name in lower case."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)


async def refuse(problem: Problem, scope: Any, receive: Receive, send: Send) -> None:
    """Answers instead of a handshake, with `Retry-After` in whole seconds where the problem says when."""
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    if problem.status == 426:
        headers.append((b"upgrade", b"websocket"))
    if problem.retry_after_ms is not None:
        headers.append((b"retry-after", str(-(-problem.retry_after_ms // 1000)).encode()))
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        kind = "websocket.http.response"
    await send({"type": f"{kind}.start", "status": problem.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": msgspec.json.encode(problem)})
