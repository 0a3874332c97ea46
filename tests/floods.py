"""Floods: what a client that was welcomed may send without end."""

from collections.abc import Callable

from hostile import text
from raw_websocket import CONT, PING, PONG, TEXT, frame

# The rates of one socket are as shipped; whoever watches knocks often, and the neighbour is watched closely.
OPEN_DOOR = {
    "LIMIT_HANDSHAKES_PER_S": "1000",
    "LIMIT_HANDSHAKE_BURST": "100000",
    "LIMIT_MESSAGES_PER_S": "100",
    "LIMIT_PERSON_MESSAGES_PER_S": "1000",
    "LIMIT_PERSON_MESSAGE_BURST": "10000",
    "LIMIT_CONNECTIONS_PER_PERSON": "200",
}
TINY = frame(TEXT, b'{"type":"ping","t":', fin=False)


def subscribes(channel: Callable[[int], str]) -> bytes:
    """Ten thousand."""
    return b"".join(text("subscribe", ref=f"r{number}", channel=channel(number)) for number in range(10_000))


def typings() -> bytes:
    """A hundred thousand, each of which says something new."""
    join = text("subscribe", ref="r", channel="conversation:c-1")
    return join + b"".join(text("typing", conversation_id="c-1", on=on) for on in (True, False)) * 50_000


def sends() -> bytes:
    """Ten thousand messages."""
    return b"".join(
        text("message.send", ref=f"r{number}", conversation_id="c-1", client_id=f"m-{number}", text="me!")
        for number in range(10_000)
    )


def refused(words: str) -> bytes:
    """A message whose text breaks a rule."""
    return text("message.send", ref="r", conversation_id="c-1", client_id="m", text=words)


# After each the client is told to slow down and closed 4429.
FLOODS: dict[str, Callable[[], bytes]] = {
    "10,000 subscribes of as many": lambda: subscribes(lambda number: f"conversation:c-{number}"),
    "10,000 subscribes of one": lambda: subscribes(lambda number: "conversation:c-1"),
    "100,000 typings": typings,
    "10,000 messages": sends,
    "20,000 empty messages": lambda: refused("") * 20_000,
    "2,000 messages that are too long": lambda: refused("x" * 8_001) * 2_000,
    "20,000 reads": lambda: text("read", conversation_id="c-1", seq=7) * 20_000,
    "20,000 acknowledgements": lambda: text("notice.ack", notice_id="support-x") * 20_000,
    "20,000 refreshes": lambda: text("auth.refresh", ref="r", token="x") * 20_000,
    "20,000 pings of a page": lambda: text("ping", t=1) * 20_000,
    "20,000 pings": lambda: frame(PING, b"x" * 125) * 20_000,
    "20,000 pongs": lambda: frame(PONG) * 20_000,
    "20,000 fragments": lambda: TINY + frame(CONT, b"1", fin=False) * 20_000,
    "20,000 empty fragments": lambda: TINY + frame(CONT, fin=False) * 20_000,
}
