"""GET /v1/socket: refuse strangers before the handshake, hear hello within 5 s, then read until it ends."""

import asyncio
import logging
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from nura_rt.auth.address import address_of
from nura_rt.auth.identify import Barred, Identify, SignInUnavailable
from nura_rt.auth.tokens import Identity, TokenError
from nura_rt.chat.client import Client, Desk, Verify
from nura_rt.chat.gate import Gate, Receive, Send, header, refuse, spoken
from nura_rt.conversation.words import Found, Words, cause_of
from nura_rt.protocol import codec
from nura_rt.protocol.client import Hello
from nura_rt.protocol.codec import FrameError
from nura_rt.protocol.errors import Close, Code
from nura_rt.protocol.problem import Refusal
from nura_rt.protocol.server import Error, PublicLimits, Welcome
from nura_rt.realtime.asgi_outlet import AsgiOutlet
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.doorstep import Visit
from nura_rt.realtime.transport import EXTENSION
from nura_rt.settings import Settings
from nura_rt.store.pool import Executor
from nura_rt.store.sessions import Sighting

_log = logging.getLogger(__name__)
_AFTER_NO_HELLO_MS = 1000


class _Hung(Exception):
    """The conversation with this peer is over."""


def socket_route(
    desk: Desk, identify: Identify, settings: Settings, gate: Gate, words: Words, *, instance: str
) -> ASGIRouteHandler:
    """The route; plain ASGI, so that a refusal can be an HTTP status and no layer wraps a frame."""
    door = _Door(desk, identify, settings, gate, words, instance)

    @asgi("/v1/socket", copy_scope=False)
    async def socket(scope: Any, receive: Any, send: Any) -> None:
        await door.open(scope, receive, send)

    return socket


class _Door:
    def __init__(
        self, desk: Desk, identify: Identify, settings: Settings, gate: Gate, words: Words, instance: str
    ) -> None:
        self._desk = desk
        self._identify = identify
        self._settings = settings
        self._gate = gate
        self._words = words
        self._instance = instance

    async def open(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            visit = self._gate.enter(scope)
        except Refusal as refusal:
            await refuse(refusal.problem, scope, receive, send)
            return
        with visit:
            await receive()  # websocket.connect
            await send({"type": "websocket.accept", "subprotocol": spoken(scope)})
            outlet = scope["extensions"].get(EXTENSION)
            if outlet is not None:
                await self._serve(self._connection(outlet), visit, scope, receive)
                return
            plain = AsgiOutlet(send)
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(plain.pump())
                connection = self._connection(plain)
                await self._serve(connection, visit, scope, receive)
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

    async def _serve(self, connection: Connection, visit: Visit, scope: Any, receive: Receive) -> None:
        client: Client | None = None
        try:
            hello = await self._hear_hello(connection, receive)
            identity, verify = await self._identified(connection, scope, hello)
            visit.over()
            client = Client(self._desk, connection, identity, verify)
            await client.welcome(self._welcome(connection, identity), hello.resume)
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

    async def _hear_hello(self, connection: Connection, receive: Receive) -> Hello:
        limits = self._settings.limits
        try:
            async with asyncio.timeout(limits.hello_timeout_s):
                text = await _text(connection, receive)
        except TimeoutError:
            connection.say(_no_hello(limits.hello_timeout_s))
            raise _hang_up(connection, Close.NO_HELLO) from None
        if len(text.encode()) > limits.hello_bytes:
            rule = f"must be at most {limits.hello_bytes} bytes"
            connection.say(Error(Code.TOO_LONG, f"the hello {rule}", False, rule=rule))
            raise _hang_up(connection, Close.FRAME_TOO_LARGE)
        try:
            frame = codec.decode(text)
        except FrameError:
            raise _hang_up(connection, Close.BAD_HELLO) from None
        if not isinstance(frame, Hello):
            raise _hang_up(connection, Close.BAD_HELLO)
        return frame

    async def _identified(self, connection: Connection, scope: Any, hello: Hello) -> tuple[Identity, Verify]:
        found = self._words.screen({"device": hello.device})
        verify = partial(
            self._identify,
            device=hello.device,
            agent=header(scope, b"user-agent"),
            address=address_of(scope, self._identify.trusted),
            beside=partial(self._keep_found, found) if found.worrying else None,
        )
        try:
            return await verify(hello.token), verify
        except Barred as error:
            raise _hang_up(connection, Close[error.why.upper()]) from None
        except TokenError as error:
            code = Close.TOKEN_EXPIRED if error.slug == "expired" else Close.BAD_TOKEN
            raise _hang_up(connection, code) from None
        except SignInUnavailable:
            raise _hang_up(connection, Close.SIGN_IN_UNAVAILABLE) from None

    async def _keep_found(self, found: Found, conn: Executor, sighting: Sighting) -> None:
        """In the commit that keeps the device's name; once for a session, however often it says hello."""
        person_id, cause_id = sighting.person_id, cause_of(found, sighting.session_id)
        if await self._words.keep(conn, found, person_id=person_id, conversation_id=None, cause_id=cause_id):
            self._words.show(found, person_id=person_id, conversation_id=None, cause_id=cause_id)

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


def _no_hello(within_s: float) -> Error:
    message = f"no hello came within {within_s:g} s"
    return Error(Code.UNAUTHORIZED, message, temporary=True, retry_after_ms=_AFTER_NO_HELLO_MS)


def _hang_up(connection: Connection, code: Close) -> _Hung:
    connection.close(code)
    return _Hung()
