"""A relay that only remembers: all that an instance says to the others, in order."""

from typing import Any

import msgspec

from nura_rt.realtime.hub import Hub
from nura_rt.realtime.payload import Payload


class Relayed:
    """Stands where the bus stands. `said`: channel, seq, and the frame, or None for an announcement."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int | None, dict[str, Any] | None]] = []
        self.hub = Hub(self, on_gap=lambda _: None)

    def want(self, channel: str) -> None: ...

    def drop(self, channel: str) -> None: ...

    def publish(self, channel: str, seq: int | None, payload: Payload, prev: int | None = None) -> None:
        frame = msgspec.json.decode(payload.data) if payload.data else None
        self.said.append((channel, seq, frame))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one type."""
        return [frame for _, _, frame in self.said if frame and frame["type"] == kind]
