"""Every channel name, made and read in one place."""

import re
from typing import Literal, NamedTuple

from nura_rt.cache import slots

_NAME = re.compile(r"(conversation|user):([A-Za-z0-9_-]{1,64})")


class Channel(NamedTuple):
    """A name fan-out targets, taken apart."""

    kind: Literal["conversation", "user"]
    id: str


def conversation(conversation_id: str) -> str:
    """Messages and replies of one conversation; its frames have a seq."""
    return f"conversation:{conversation_id}"


def user(user_id: str) -> str:
    """Everything for one person's devices; no seq."""
    return f"user:{user_id}"


def parse(name: str) -> Channel | None:
    """The channel a client named, or None."""
    match = _NAME.fullmatch(name)
    return Channel(match[1], match[2]) if match else None  # type: ignore[arg-type]


def canary(instance: str, number: int) -> str:
    """An instance's word to itself; which of them depends on the server it is to pass."""
    return f"canary:{instance}-{number}"


def on_bus(name: str) -> str:
    """The Redis channel; the braces keep one channel on one shard of a cluster."""
    return f"nura:{{{name}}}"


def from_bus(name: bytes) -> str:
    """Back from `on_bus`."""
    return name[len("nura:{") : -1].decode()


def slot_of(name: str) -> int:
    """The slot of its Redis channel in a cluster."""
    return slots.slot_of(on_bus(name).encode())
