"""GET /v1/socket: refuse strangers before the handshake, hear hello within 5 s, then read until it ends."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from nura_rt.auth.address import address_of
from nura_rt.auth.identify import Barred, Identify, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.client import Client, Desk, Verify
from nura_rt.protocol import codec
from nura_rt.protocol.client import Hello
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close
from nura_rt.protocol.server import PublicLimits, Welcome
from nura_rt.realtime.asgi_outlet import AsgiOutlet
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.transport import EXTENSION
from nura_rt.settings import Settings

_log = logging.getLogger(__name__)
_SUBPROTOCOL = "nura.v1"

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _Hung(Exception):
    """The conversation with this peer is over."""


def socket_route(desk: Desk, identify: Identify, settings: Settings, *, instance: str) -> ASGIRouteHandler:
    """The route; plain ASGI, so that a refusal can be an HTTP status and no layer wraps a frame."""
    door = _Door(desk, identify, settings, instance)

    @asgi("/v1/socket", copy_scope=False)
    async def socket(scope: Any, receive: Any, send: Any) -> None:
        await door.open(scope, receive, send)

    return socket


class _Door:
    def __init__(self, desk: Desk, identify: Identify, settings: Settings, instance: str) -> None:
        self._desk = desk
        self._identify = identify
        self._settings = settings
        self._instance = instance

    async def open(self, scope: Any, receive: Receive, send: Send) -> None:
        refused = _refusal(scope, self._settings.allowed_origins)
        if refused is not None:
            await _refuse(scope, receive, send, *refused)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": _SUBPROTOCOL})
        outlet = scope["extensions"].get(EXTENSION)
        if outlet is not None:
            await self._serve(self._connection(outlet), scope, receive)
            return
        plain = AsgiOutlet(send)
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(plain.pump())
            connection = self._connection(plain)
            await self._serve(connection, scope, receive)
            if connection.closed is None:
                pump.cancel()

    def _connection(self, outlet: Any) -> Connection:
        limits = self._settings.limits
        return Connection(
            uuid.uuid4().hex[:16],
            outlet,
            soft_bytes=limits.send_buffer_bytes,
            hard_bytes=limits.send_buffer_hard_bytes,
        )

    async def _serve(self, connection: Connection, scope: Any, receive: Receive) -> None:
        client: Client | None = None
        try:
            identity, verify = await self._hear_hello(connection, scope, receive)
            client = Client(self._desk, connection, identity, verify)
            connection.say(self._welcome(connection, identity))
            while connection.closed is None:
                client.on_text(await _text(connection, receive))
                await client.until_it_may_send()
        except _Hung:
            pass
        except Exception:
            _log.exception("a session failed")
            connection.close(Close.INTERNAL)
        finally:
            connection.end()
            if client is not None:
                client.gone()

    async def _hear_hello(
        self, connection: Connection, scope: Any, receive: Receive
    ) -> tuple[Identity, Verify]:
        limits = self._settings.limits
        try:
            async with asyncio.timeout(limits.hello_timeout_s):
                text = await _text(connection, receive)
        except TimeoutError:
            raise _hang_up(connection, Close.NO_HELLO) from None
        if len(text.encode()) > limits.hello_bytes:
            raise _hang_up(connection, Close.FRAME_TOO_LARGE)
        try:
            frame = codec.decode(text)
        except FrameError:
            raise _hang_up(connection, Close.BAD_HELLO) from None
        if not isinstance(frame, Hello):
            raise _hang_up(connection, Close.BAD_HELLO)
        verify = partial(
            self._identify,
            device=frame.device,
            agent=_header(scope, b"user-agent"),
            address=address_of(scope, self._identify.trusted),
        )
        try:
            return await verify(frame.token), verify
        except Barred as error:
            raise _hang_up(connection, Close[error.why.upper()]) from None
        except TokenError as error:
            code = Close.TOKEN_EXPIRED if error.slug == "expired" else Close.BAD_TOKEN
            raise _hang_up(connection, code) from None
        except SignInUnavailable:
            raise _hang_up(connection, Close.SIGN_IN_UNAVAILABLE) from None

    def _welcome(self, connection: Connection, identity: Identity) -> Welcome:
        limits = self._settings.limits
        return Welcome(
            connection_id=connection.id,
            user_id=identity.user_id,
            instance=self._instance,
            heartbeat_s=self._settings.heartbeat_s,
            limits=PublicLimits(limits.frame_bytes, limits.text_chars, limits.unacked, limits.subscriptions),
            server_time=datetime.now(UTC),
        )


async def _text(connection: Connection, receive: Receive) -> str:
    """The next text frame; a binary one and the end of the socket end the session."""
    message = await receive()
    if message["type"] == "websocket.disconnect":
        connection.gone = True
        raise _Hung
    text = message.get("text")
    if text is None:
        raise _hang_up(connection, Close.PROTOCOL_VIOLATION)
    return str(text)


def _hang_up(connection: Connection, code: Close) -> _Hung:
    connection.close(code)
    return _Hung()


def _refusal(scope: Any, allowed_origins: tuple[str, ...]) -> tuple[int, str, str] | None:
    """Why this handshake is refused: an HTTP status, a slug and a sentence."""
    if scope["type"] != "websocket":
        return 426, "upgrade-required", "this address speaks WebSocket; connect with the subprotocol nura.v1"
    origin = _header(scope, b"origin")
    if origin is not None and origin not in allowed_origins:
        return 403, "foreign-origin", "this origin may not connect; ALLOWED_ORIGINS lists those that may"
    if _SUBPROTOCOL not in scope["subprotocols"]:
        return 400, "no-subprotocol", "the subprotocol must be nura.v1"
    return None


def _header(scope: Any, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)


async def _refuse(scope: Any, receive: Receive, send: Send, status: int, slug: str, sentence: str) -> None:
    body = msgspec.json.encode(
        {"type": f"/problems/{slug}", "title": slug.replace("-", " "), "status": status, "detail": sentence}
    )
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    headers = [(b"content-type", b"application/problem+json")]
    if status == 426:
        headers.append((b"upgrade", b"websocket"))
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
