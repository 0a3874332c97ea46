"""A client that does everything by hand on a raw TCP socket, and then never reads again."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from servers import Instance, token

_RECEIVES = 4096  # bytes the kernel keeps for it: soon full
_ESTABLISHED = "01"


class Deaf:
    """Connected and signed in; `port` is its own end, to be found among the server's connections."""

    def __init__(self, instance: Instance, name: str, conversation: str | None) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVES)
        self._socket.settimeout(30)
        self._socket.connect(("127.0.0.1", instance.port))
        self.port = int(self._socket.getsockname()[1])
        self._instance = instance
        self._handshake()
        self._say(type="hello", token=token(name))
        self._hears('"welcome"')
        if conversation is not None:
            self._say(type="subscribe", ref="r", channel=f"conversation:{conversation}")
            self._hears('"subscribed"')

    @property
    def is_connected(self) -> bool:
        """The server's process still has its end of the connection."""
        ours, theirs = f"{self._instance.port:04X}", f"{self.port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{ours}") and fields[2].endswith(f":{theirs}"):
                return fields[3] == _ESTABLISHED or fields[9] != "0"  # without an inode no process has it
        return False

    def close(self) -> None:
        self._socket.close()

    def _handshake(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1:{self._instance.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: nura.v1\r\n\r\n".encode()
        )
        self._hears("101 Switching Protocols")

    def _say(self, **frame: Any) -> None:
        data = json.dumps(frame).encode()
        header = (
            bytes((0x81, 0x80 | len(data))) if len(data) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(data))
        )
        self._socket.sendall(header + bytes(4) + data)  # masked with zeros

    def _hears(self, words: str) -> None:
        heard = b""
        while words.encode() not in heard:
            more = self._socket.recv(4096)
            assert more, f"closed before it said {words}"
            heard += more


@asynccontextmanager
async def deaf(instance: Instance, name: str, conversation: str | None = None) -> AsyncIterator[Deaf]:
    """A client of this person that has stopped reading (after joining the conversation, if one is given)."""
    client = await asyncio.to_thread(Deaf, instance, name, conversation)  # the others go on answering pings
    try:
        yield client
    finally:
        client.close()


async def until_gone(client: Deaf, *, within_s: float) -> float:
    """Seconds until the server has let go of it; raises TimeoutError after `within_s`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within_s):
        while client.is_connected:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.05)
    return loop.time() - began
