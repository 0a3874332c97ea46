"""Which minor of nura.v1 brought what. What is not named here has been there since minor 0.

A client sends a frame or a field only to a server of that minor or a later one: `welcome.protocol` names it.
"""

from typing import Any

from nura_rt.protocol import client, server
from nura_rt.protocol.errors import Close

FRAMES: dict[type[Any], int] = {
    client.Typing: 1,
    client.Read: 1,
    client.NoticeAck: 1,
    server.MessageRemoved: 1,
    server.HistoryTrimmed: 1,
    server.Gap: 1,
    server.Typing: 1,
    server.Read: 1,
    server.Presence: 1,
    server.Heartbeat: 1,
    server.Draining: 1,
}
FIELDS: dict[tuple[type[Any], str], int] = {
    (client.Hello, "resume"): 1,
    (server.Subscribed, "tail"): 1,
    (server.Subscribed, "read_seq"): 1,
}
CODES: dict[str, int] = {}
CLOSES: dict[int, int] = {Close.DRAINING: 1, Close.DISPLACED: 1}
