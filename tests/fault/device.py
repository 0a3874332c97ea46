"""One device of one person: a socket that is opened again whenever it ends, here or at the other instance.

The rules of design section 4: backoff, a watchdog over silence, never trust that a socket lives.
"""

import asyncio
import json
import random
import time
from typing import Any

from history import History
from stack import Site
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from nura_rt.cli.people import person_id
from servers import token

Frame = dict[str, Any]
_PROTOCOLS = [Subprotocol("nura.v1.1"), Subprotocol("nura.v1")]
_OPENED_WITHIN_S = 3.0
_SILENT_S = 2.0  # then a ping, and as long again for its answer
_TICK_S = 0.25
_BACKOFF_S = (0.1, 1.0)
TROUBLE = (OSError, TimeoutError, EOFError, ConnectionClosed, InvalidHandshake, InvalidMessage)


class World:
    """What all devices of a run share: the site, the history, and who owns which conversation."""

    def __init__(self, site: Site, history: History, rng: random.Random) -> None:
        self.site = site
        self.history = history
        self.rng = rng
        self.owner: dict[str, str] = {}  # conversation -> name of the person
        self.ids: dict[str, str] = {}  # name of the person -> user_id

    def token(self, person: str) -> str:
        """A token that lasts for the run."""
        self.ids.setdefault(person, person_id(person))
        return token(person, ttl_s=24 * 3600)

    def other(self, number: int) -> int:
        """The next instance."""
        return (number + 1) % len(self.site.nodes)


class Device:
    """Keeps a socket open until `stop`. What a kind of device does with it stands in its `on_...` methods."""

    def __init__(
        self, world: World, name: str, person: str, home: int, *, faithful: bool = True, old: bool = False
    ) -> None:
        """`faithful` devices come back to the instance `home`, others go to the next one; `old`: minor 0."""
        self.world = world
        self.name = name
        self.person = person
        self.at = home
        self.minor = 0
        self.socket: ClientConnection | None = None
        self.is_open = asyncio.Event()
        self.stopping = False
        self.leaves_at = float("inf")  # when it goes away by itself, by the monotonic clock
        self.away_s = 0.0
        self._faithful = faithful
        self._protocols = _PROTOCOLS[1:] if old else _PROTOCOLS
        self._failures = 0

    async def run(self) -> None:
        """Opens, reads, and begins again."""
        while not self.stopping:
            try:
                async with asyncio.timeout(_OPENED_WITHIN_S):
                    socket = await connect(
                        self.world.site.socket_url(self.at),
                        subprotocols=self._protocols,
                        compression=None,
                        max_size=None,
                        ping_interval=None,
                        close_timeout=0.5,
                        proxy=None,
                    )
                await self._serve(socket)
            except TROUBLE:
                self._failures += 1
            longest = min(_BACKOFF_S[1], _BACKOFF_S[0] * 2**self._failures)
            await asyncio.sleep(self.away_s or self.world.rng.uniform(0.05, longest))
            self.away_s = 0.0
            if not self._faithful:
                self.at = self.world.other(self.at)

    async def say(self, kind: str, **fields: Any) -> bool:
        """Sends a frame; false when there is no socket to send it on."""
        if self.socket is None:
            return False
        try:
            await self.socket.send(json.dumps({"type": kind, **fields}))
        except ConnectionClosed:
            return False
        return True

    def drop(self) -> None:
        """Gives the socket up, without a word."""
        if self.socket is not None:
            self.socket.transport.abort()

    def leave(self) -> None:
        """Closes for good, within a moment."""
        self.stopping = True

    def resumed(self) -> list[Frame]:
        """What the hello says about channels, where the server knows that."""
        return []

    async def on_open(self) -> None:
        """It was welcomed."""

    async def on_frame(self, frame: Frame) -> None:
        """It heard something."""

    async def on_tick(self) -> None:
        """Some time has passed."""

    def on_closed(self) -> None:
        """The socket is gone."""

    async def _serve(self, socket: ClientConnection) -> None:
        code = ""
        welcomed = False
        try:
            self.minor = 1 if socket.subprotocol == "nura.v1.1" else 0
            hello: Frame = {"type": "hello", "token": self.world.token(self.person), "device": self.name}
            if self.minor and (resumed := self.resumed()):
                hello["resume"] = resumed
            await socket.send(json.dumps(hello))
            async with asyncio.timeout(_OPENED_WITHIN_S):
                welcome = json.loads(await socket.recv())
            self.socket = socket
            self._failures = 0
            self.leaves_at = float("inf")
            welcomed = True
            self.world.history.add("connect", client=self.name, person=self.person, what=str(self.at))
            await self.on_frame(welcome)
            await self.on_open()
            self.is_open.set()
            await self._read(socket)
        except ConnectionClosed as closed:
            code = str(closed.rcvd.code) if closed.rcvd else "1006"
            if not welcomed:
                raise
        except TimeoutError:
            code = "silent"
            if not welcomed:
                raise
        finally:
            self.is_open.clear()
            self.socket = None
            socket.transport.abort()
            if welcomed or code.startswith("45"):
                self.world.history.add("disconnect", client=self.name, person=self.person, what=code)
            self.on_closed()

    async def _read(self, socket: ClientConnection) -> None:
        """Until it ends or is silent for too long; raises TimeoutError then."""
        heard_at = time.monotonic()
        asked = False
        while not self.stopping and time.monotonic() < self.leaves_at:
            try:
                async with asyncio.timeout(_TICK_S):
                    frame = json.loads(await socket.recv())
            except TimeoutError:
                silent_s = time.monotonic() - heard_at
                if silent_s > 2 * _SILENT_S:
                    raise
                if silent_s > _SILENT_S and not asked:
                    asked = True
                    await self.say("ping", t=1)
            else:
                heard_at, asked = time.monotonic(), False
                self._see_to_it_that_it_is_ours(frame)
                if frame["type"] == "draining" and self.minor:
                    soon = time.monotonic() + frame["reconnect_after_ms"] / 1000
                    self.leaves_at = min(self.leaves_at, soon)
                await self.on_frame(frame)
            await self.on_tick()

    def _see_to_it_that_it_is_ours(self, frame: Frame) -> None:
        named = frame.get("conversation_id") or frame.get("conversation", {}).get("conversation_id")
        channel = str(frame.get("channel", ""))
        if channel.startswith("conversation:"):
            named = channel.removeprefix("conversation:")
        user = frame.get("user_id") or self.world.ids[self.person]
        owner = self.world.owner.get(named, self.person) if named else self.person
        if owner != self.person or user != self.world.ids[self.person]:
            self.world.history.add(
                "foreign", client=self.name, person=self.person, conversation=named or "", what=frame["type"]
            )
