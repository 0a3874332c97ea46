"""`nura-rt` as it was with minor 0 of the protocol: a program for tests, the product but for its frames.

Later client frames and fields are refused, later server fields are never written, nor what only later minors say.
"""

from functools import reduce
from operator import or_
from typing import Any, get_args

import msgspec

from nura_rt.__main__ import main
from nura_rt.chat import gate
from nura_rt.protocol import client, codec, minors, server
from nura_rt.realtime.connection import Connection
from nura_rt.realtime.payload import Payload

# With a seq, and so from PostgreSQL or the bus: an instance hands these on, whatever they are.
_HANDED_ON = (server.MessageRemoved, server.HistoryTrimmed, server.Gap)
_UNSAID = tuple(
    f'{{"type":"{kind.__struct_config__.tag}"'.encode()
    for kind in minors.FRAMES
    if kind in get_args(server.ServerFrame) and kind not in _HANDED_ON
)


def _as_it_was(kind: type[msgspec.Struct]) -> Any:
    """The same frame without its later fields."""
    kept = [field for field in msgspec.structs.fields(kind) if (kind, field.name) not in minors.FIELDS]
    fields: list[Any] = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in kept
    ]
    tag = kind.__struct_config__.tag
    return msgspec.defstruct(kind.__name__, fields, tag=tag, frozen=True, forbid_unknown_fields=True)


class _OlderDecoder:
    """Takes what minor 0 took."""

    def __init__(self, now: Any) -> None:
        first = [kind for kind in get_args(client.ClientFrame) if kind not in minors.FRAMES]
        self._was = msgspec.json.Decoder(reduce(or_, map(_as_it_was, first)))
        self._now = now

    def decode(self, text: str | bytes) -> Any:
        """Raises what the product's decoder raises."""
        self._was.decode(text)
        return self._now.decode(text)


def _be_older() -> None:
    encode, send = codec.encode, Connection.send

    def older_encode(frame: Any) -> bytes:
        later = {name: 0 for owner, name in minors.FIELDS if type(frame) is owner}
        if isinstance(frame, server.Welcome):
            later["protocol"] = server.Version(1, 0)  # type: ignore[assignment]
        return encode(msgspec.structs.replace(frame, **later))

    def older_send(self: Connection, payload: Payload) -> None:
        if not payload.data.startswith(_UNSAID):
            send(self, payload)

    vars(codec)["_decoder"] = _OlderDecoder(vars(codec)["_decoder"])
    vars(codec)["encode"] = older_encode
    vars(gate)["WITH_MINOR"] = "known to nobody yet"
    type.__setattr__(Connection, "send", older_send)


if __name__ == "__main__":
    _be_older()
    main()
