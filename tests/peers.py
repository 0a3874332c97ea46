"""A browser's part in tests: one socket that says frames and waits for answers, over the `websockets` client."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from servers import Instance, token

Frame = dict[str, Any]
WITHIN_S = 30.0


class Peer:
    """One connected client. Everything received is kept in `heard`, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[Frame] = []
        self._read = 0

    async def say(self, kind: str, **fields: Any) -> str:
        """Sends a frame, with a fresh ref unless one is given; returns the ref."""
        ref = fields.setdefault("ref", uuid.uuid4().hex[:8]) if kind not in ("hello", "ping") else ""
        await self.socket.send(json.dumps({"type": kind, **fields}))
        return str(ref)

    async def hear(self, kind: str, *, within_s: float = WITHIN_S, **fields: Any) -> Frame:
        """The next frame of this type (and these fields) that no earlier `hear` has passed."""

        def fits(frame: Frame) -> bool:
            return frame["type"] == kind and all(frame.get(name) == value for name, value in fields.items())

        return await self._next(fits, within_s)

    async def _next(self, fits: Callable[[Frame], bool], within_s: float) -> Frame:
        async with asyncio.timeout(within_s):
            while True:
                while self._read < len(self.heard):
                    frame = self.heard[self._read]
                    self._read += 1
                    if fits(frame):
                        return frame
                self.heard.append(json.loads(await self.socket.recv()))

    async def collect(
        self, enough: Callable[[list[Frame]], bool], *, within_s: float = WITHIN_S
    ) -> list[Frame]:
        """Reads on until `enough` of all that was heard."""
        async with asyncio.timeout(within_s):
            while not enough(self.heard):
                self.heard.append(json.loads(await self.socket.recv()))
        return self.heard

    async def silence(self, *, for_s: float) -> list[Frame]:
        """What arrives within `for_s` seconds."""
        began = len(self.heard)
        with suppress(TimeoutError):
            await self.collect(lambda _: False, within_s=for_s)
        return self.heard[began:]

    async def open_conversation(self, **fields: Any) -> str:
        """A new conversation of this person."""
        ref = await self.say("conversation.create", client_id=uuid.uuid4().hex, **fields)
        return str((await self.hear("conversation.created", ref=ref))["conversation_id"])

    async def join(self, conversation_id: str, *, since: int | None = None) -> Frame:
        """Subscribes and waits for `subscribed`."""
        fields = {} if since is None else {"since": since}
        ref = await self.say("subscribe", channel=f"conversation:{conversation_id}", **fields)
        return await self.hear("subscribed", ref=ref)

    async def send(self, conversation_id: str, text: str, *, client_id: str | None = None) -> Frame:
        """Sends a message and waits for its `accepted`."""
        ref = await self.say(
            "message.send",
            conversation_id=conversation_id,
            client_id=client_id or uuid.uuid4().hex,
            text=text,
        )
        return await self.answer(ref, "accepted")

    async def answer(self, ref: str, kind: str) -> Frame:
        """The frame of this type that answers; raises with the error that came instead."""
        frame = await self._next(lambda one: one.get("ref") == ref, WITHIN_S)
        assert frame["type"] == kind, frame
        return frame

    async def stream(self, conversation_id: str, count: int) -> list[Frame]:
        """Sends so many messages a few milliseconds apart; returns their `accepted`."""
        accepted = []
        for number in range(count):
            accepted.append(await self.send(conversation_id, f"step {number}"))
            await asyncio.sleep(0.003)
        return accepted

    def messages(self) -> list[Frame]:
        """Every `message` heard so far."""
        return [frame for frame in self.heard if frame["type"] == "message"]

    def seqs(self) -> list[int]:
        """The seq of every `message` heard so far, in the order of hearing."""
        return [frame["seq"] for frame in self.messages()]


def until_seq(head: int) -> Callable[[list[Frame]], bool]:
    """For `collect`: enough is a message with this seq or a later one."""
    return lambda heard: any(frame["type"] == "message" and frame["seq"] >= head for frame in heard)


async def ended(socket: ClientConnection, *, within_s: float = WITHIN_S) -> tuple[int | None, str]:
    """Reads until the server closes the socket: its code and reason; (None, "") without a close frame."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


@asynccontextmanager
async def stranger(instance: Instance, **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket that has not said hello."""
    options.setdefault("subprotocols", [Subprotocol("nura.v1")])
    async with connect(instance.socket_url, compression=None, max_size=None, **options) as socket:
        yield socket


@asynccontextmanager
async def peer(instance: Instance, name: str) -> AsyncIterator[Peer]:
    """A signed-in client of this person."""
    async with stranger(instance) as socket:
        joined = Peer(socket)
        await joined.say("hello", token=token(name))
        await joined.hear("welcome")
        yield joined
