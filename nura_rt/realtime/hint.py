"""What one instance tells another, as bytes: `origin seq tier[ prev]`, a line feed, the frame or nothing.

`prev` is written only where it is not `seq - 1`, so an older instance reads all but those.
"""

from typing import NamedTuple

from nura_rt.realtime.payload import Payload, Tier


class Verbs(NamedTuple):
    """How a server is spoken to, and what it says."""

    publish: str
    subscribe: str
    unsubscribe: str
    message: bytes
    subscribed: bytes
    unsubscribed: bytes


SINGLE = Verbs("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", b"message", b"subscribe", b"unsubscribe")
SHARDED = Verbs("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage", b"ssubscribe", b"sunsubscribe")


class Hint(NamedTuple):
    """A frame that covers the seqs after `prev` up to `seq`; without payload, only the news of them."""

    origin: bytes
    seq: int | None
    prev: int | None  # None: seq - 1
    payload: Payload | None


def encode(origin: bytes, seq: int | None, prev: int | None, tier: Tier, body: bytes) -> bytes:
    """`origin` without spaces; an empty `body` tells of seq alone."""
    number = seq or 0
    if prev is None or prev == number - 1:
        return b"%b %d %d\n%b" % (origin, number, tier, body)
    return b"%b %d %d %d\n%b" % (origin, number, tier, prev, body)


def decode(data: bytes) -> Hint | None:
    """None where it cannot be read: another version's, or not ours."""
    head, _, body = data.partition(b"\n")
    try:
        origin, seq, tier, *more = head.split(b" ")
        (prev,) = map(int, more) if more else (None,)
        if prev is not None and prev >= int(seq) > 0:
            return None
        payload = Payload(body, Tier(int(tier))) if body else None
        return Hint(origin, int(seq) or None, prev, payload)
    except ValueError:
        return None
