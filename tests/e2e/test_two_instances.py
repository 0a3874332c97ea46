"""Two processes, one PostgreSQL, one Valkey: what is said at one is heard at the other, once, in one order."""

import asyncio
import itertools
import time
import uuid
from contextlib import AsyncExitStack

import asyncpg
import pytest
from conftest import RAISED, Pair
from ledger import answered, lines
from redis.asyncio import Redis

from nura_rt.embedded.stack import Addresses
from peers import Frame, Peer, peer

SENDERS = 200
EACH_SENDS = 3


def seqs(listener: Peer) -> list[int]:
    return [frame["seq"] for frame in listener.messages()]


def until_seq(head: int, conversation: str) -> "object":
    return lambda heard: any(
        frame["type"] == "message" and frame["seq"] == head and frame["conversation_id"] == conversation
        for frame in heard
    )
